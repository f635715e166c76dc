"""What is generated from the command line, the schemas and the kernels is that of now."""

from __future__ import annotations

import re
import shutil
import subprocess
from importlib import metadata
from pathlib import Path

import click
import pytest

from docs.tools import reference
from docs.tools.reference import ROOT, generated
from profilednn_tui import __version__
from profilednn_tui.cli import COMMANDS

PINNED = f"click=={metadata.version('click')}" in (ROOT / "constraints.txt").read_text(encoding="utf-8").split()


@pytest.mark.skipif(not PINNED, reason="another click writes help and completions in another way")
@pytest.mark.parametrize("path", generated(), ids=lambda path: path.name)
def test_each_generated_file_is_up_to_date(path: Path) -> None:
    """`make reference` renews them."""
    assert path.read_text(encoding="utf-8") == generated()[path]


def test_the_page_of_the_command_line_has_all_options_of_all_commands() -> None:
    page = reference.command_line_page()
    for command in COMMANDS:
        assert f"\n## {command.name}\n" in page
        visible = (one for one in command.params if isinstance(one, click.Option) and not one.hidden)
        assert all(max(option.opts, key=len) in page for option in visible), command.name


@pytest.mark.skipif(shutil.which("groff") is None, reason="there is no groff")
def test_the_manual_page_is_one_that_man_can_show() -> None:
    page = ROOT / "share" / "profilednn-tui.1"
    assert f'"profilednn-tui {__version__}"' in page.read_text(encoding="utf-8").splitlines()[0]
    shown = subprocess.run(["groff", "-man", "-Tutf8", "-ww", str(page)], capture_output=True, text=True, check=True)
    assert shown.stderr == ""
    text = re.sub(".\b", "", shown.stdout).replace("\u2010", "-")  # without the overstrikes of bold letters
    assert "--overhead P%" in text


def test_text_for_roff_has_no_requests_and_no_dashes() -> None:
    assert reference.roff(".so /etc/passwd") == r"\&.so /etc/passwd"
    assert reference.roff("'a") == r"\&'a"
    assert reference.roff("--with `help`") == r"\-\-with help"


def test_help_becomes_markdown_without_markup_of_its_own() -> None:
    assert reference.text_of("a <b> [c] `d_<e>` f_g") == r"a \<b\> \[c\] `d_<e>` f\_g"


def test_a_long_signature_has_a_line_for_each_argument() -> None:
    page = reference.kernels_page()
    assert "### sigmoid_focal_loss_from_labels" in page
    assert "    *,\n    background_index: int = -1,\n" in page
