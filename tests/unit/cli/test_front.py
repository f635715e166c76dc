"""The program, its commands and their help."""

from __future__ import annotations

from click.testing import CliRunner

from profilednn_tui import __version__
from profilednn_tui.cli import COMMANDS, program
from profilednn_tui.export.session import FORMATS


def test_every_command_has_a_help() -> None:
    for command in COMMANDS:
        outcome = CliRunner().invoke(program, [str(command.name), "--help"])
        assert outcome.exit_code == 0
        assert str(command.help).splitlines()[0].split(".")[0] in outcome.output


def test_the_program_without_words_shows_its_help() -> None:
    outcome = CliRunner().invoke(program, [])
    assert outcome.exit_code == 0
    assert all(str(command.name) in outcome.output for command in COMMANDS)


def test_the_version_is_told() -> None:
    assert CliRunner().invoke(program, ["-V"]).output == f"profilednn-tui {__version__}\n"


def test_the_help_of_export_names_all_formats() -> None:
    output = CliRunner().invoke(program, ["export", "--help"]).output
    assert all(name in output for name in FORMATS)
