"""Completion of words in a real shell, from the files that are installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.process.harness import ROOT

Complete = Callable[[str], list[str]]

ASK = """
source {file}
cd {folder}
COMP_WORDS=({words})
COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))
compopt() {{ echo "file names"; }}
_profilednn_tui_completion profilednn-tui
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture
def complete(tmp_path: Path) -> Complete:
    """Asks bash for the words that may come next."""
    program = tmp_path / "bin" / "profilednn-tui"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m profilednn_tui "$@"\n')
    program.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "PROFILEDNN_HOME": str(tmp_path / "home"),
    }

    def ask(words: str) -> list[str]:
        script = ASK.format(file=ROOT / "share" / "profilednn-tui", folder=tmp_path, words=words)
        done = subprocess.run(
            ["bash", "-c", script], env=environment, capture_output=True, text=True, check=True, timeout=60
        )
        assert done.stderr == ""
        return done.stdout.split("\n")[:-1]

    return ask


def test_a_command_is_completed(complete: Complete) -> None:
    assert "experiment" in complete("profilednn-tui exp")


def test_an_option_of_a_run_is_completed_before_the_script_and_not_behind_it(complete: Complete) -> None:
    assert "--overhead" in complete("profilednn-tui run --over")
    assert "--overhead" not in complete("profilednn-tui run train.py --over")


def test_a_script_is_a_file(complete: Complete) -> None:
    assert "file names" in complete("profilednn-tui run tra")
    assert "file names" in complete("profilednn-tui tra")


def test_sessions_are_completed_by_name(complete: Complete, tmp_path: Path) -> None:
    session = tmp_path / "home" / "20260101-000000-mine"
    session.mkdir(parents=True)
    (session / "session.json").write_text("{}")
    assert "20260101-000000-mine" in complete("profilednn-tui open 2026")
    assert "file names" in complete("profilednn-tui open run.p")


@pytest.mark.skipif(shutil.which("zsh") is None, reason="there is no zsh")
def test_the_file_for_zsh_is_one_that_zsh_can_read() -> None:
    subprocess.run(["zsh", "-n", str(ROOT / "share" / "_profilednn-tui")], check=True)
