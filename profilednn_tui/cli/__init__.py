"""The command line: commands, options, exit codes."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence

import click
from click.shell_completion import CompletionItem

from profilednn_tui import __version__
from profilednn_tui.cli.advising import advise_command
from profilednn_tui.cli.attaching import attach
from profilednn_tui.cli.comparing import compare
from profilednn_tui.cli.completing import files
from profilednn_tui.cli.configuring import config
from profilednn_tui.cli.diagnosis import doctor
from profilednn_tui.cli.experimenting import experiment
from profilednn_tui.cli.gating import gate
from profilednn_tui.cli.launching import demo, run
from profilednn_tui.cli.planning import plan_command
from profilednn_tui.cli.primitives import onednn
from profilednn_tui.cli.projecting import project
from profilednn_tui.cli.sessions import export, list_command, open_command
from profilednn_tui.cli.tailing import tail_command
from profilednn_tui.cli.tuning import tune
from profilednn_tui.cli.words import TargetKind, divide
from profilednn_tui.errors import ProfilerError

COMMANDS = (
    run,
    attach,
    open_command,
    advise_command,
    tune,
    compare,
    experiment,
    gate,
    plan_command,
    export,
    onednn,
    project,
    list_command,
    tail_command,
    config,
    doctor,
    demo,
)

_PROGRAM_OPTIONS = frozenset({"-h", "--help", "-V", "--version"})


class Program(click.Group):
    """The command group. A first word that is not a command is taken as a script to run."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        if not args:
            args = ["--help"]
        words = divide(args, run.options_with_value())
        named = words.target[0] if words.kind is TargetKind.SCRIPT else None
        if named in self.commands:
            if words.options and not _PROGRAM_OPTIONS.intersection(words.options):
                raise click.UsageError(
                    f"Options go after the command: profilednn-tui {named} {shlex.quote(words.options[0])} ..."
                )
        elif not _PROGRAM_OPTIONS.intersection(words.options):
            args = [str(run.name), *args]
        return super().parse_args(context, args)

    def list_commands(self, context: click.Context) -> list[str]:
        return list(self.commands)

    def shell_complete(self, context: click.Context, incomplete: str) -> list[CompletionItem]:
        """Commands and options; a script may stand there, too."""
        return [*files(incomplete), *super().shell_complete(context, incomplete)]

    def collect_usage_pieces(self, context: click.Context) -> list[str]:
        return ["[OPTIONS] SCRIPT [ARGS]... | COMMAND ..."]


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, "-V", "--version", message="profilednn-tui %(version)s")
def program() -> None:
    """Watch PyTorch training on CPUs step by step, and keep the session.

    SCRIPT runs unmodified and receives everything after it; `run --help` lists the OPTIONS.
    A script that has the name of a command is started as ./NAME.
    """


for command in COMMANDS:
    program.add_command(command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its exit code."""
    try:
        program.main(arguments, prog_name="profilednn-tui", standalone_mode=False)
    except ProfilerError as error:
        _leave(str(error), error.exit_code)
    except click.ClickException as error:
        _leave(error.format_message(), error.exit_code)
    except click.Abort:
        _leave("interrupted", 130)
    except BrokenPipeError:
        _drop_output()  # the reader closed the pipe early, as head does
        sys.exit(1)
    except OSError as error:
        _drop_output()
        _leave(f"The system reports: {error.strerror or error}. Free some space or check where the output goes.", 2)


def _drop_output() -> None:
    """Discard what is left in the stdout buffer, so that Python does not report an error at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _leave(sentence: str, exit_code: int) -> None:
    from profilednn_tui.launch.headless import say

    say(f"profilednn-tui: {sentence}")
    sys.exit(exit_code)
