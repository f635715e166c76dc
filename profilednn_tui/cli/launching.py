"""Commands that start a target."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click
from click.shell_completion import CompletionItem

from profilednn_tui.cli import completing, recipes, values
from profilednn_tui.cli.optimizations import asks_for_help, print_optimizations
from profilednn_tui.cli.words import Misplaced, TargetKind, Words, divide, misplaced
from profilednn_tui.errors import ProfilerError
from profilednn_tui.launch.command import TargetCommand, any_command, module_command, script_command
from profilednn_tui.launch.optimizations import check_names
from profilednn_tui.launch.options import DEFAULT_OVERHEAD_PERCENT, LaunchOptions
from profilednn_tui.launch.recipe import Recipe
from profilednn_tui.launch.signals import end_like
from profilednn_tui.paths import session_word
from profilednn_tui.plain import plain

DEMO_SCRIPT = Path(__file__).resolve().parent.parent / "examples" / "train_retinanet.py"

Function = TypeVar("Function", bound=Callable[..., Any])

overhead_option = click.option(
    "--overhead",
    "overhead_percent",
    metavar="P%",
    default=f"{DEFAULT_OVERHEAD_PERCENT:g}%",
    show_default=True,
    callback=values.percent,
    help="Limit on the profiling overhead.",
)


def environment_option(whose: str) -> Callable[[Function], Function]:
    """``--env``; `whose` completes "Set an environment variable"."""
    return click.option(
        "--env",
        "environment",
        metavar="K=V",
        multiple=True,
        callback=values.assignments,
        help=f"Set an environment variable {whose}; may be repeated.",
    )


LAUNCH_OPTIONS = (
    click.option(
        "--python", metavar="PATH", help="The target's interpreter [default: that of the active environment]."
    ),
    click.option(
        "-o",
        "--output",
        metavar="FILE.pdnn",
        type=click.Path(path_type=Path),
        callback=values.snapshot_file,
        help="Write a snapshot at the end.",
    ),
    click.option("--steps", metavar="N", type=click.IntRange(min=1), help="End the target cleanly after N steps."),
    click.option("--headless", is_flag=True, help="No TUI; implied when stdin or stdout is not a terminal."),
    overhead_option,
    click.option(
        "--with",
        "optimizations",
        metavar="OPT,OPT",
        default="",
        callback=values.optimizations,
        help="Optimizations to switch on from the start; `--with help` lists them.",
    ),
    click.option(
        "--recipe",
        metavar="FILE",
        type=click.Path(path_type=Path),
        callback=recipes.recipe,
        help="Switch on what a search has proven (see `tune`); --with and --env add to it.",
    ),
    environment_option("for the target"),
    click.option(
        "--gradient-noise", is_flag=True, help="Record what `plan --convergence measured` needs, every eighth update."
    ),
    click.option("--name", metavar="TEXT", help="A name for the session."),
)


def launch_options(function: Function) -> Function:
    """Add the options shared by all commands that start a target."""
    for option in reversed(LAUNCH_OPTIONS):
        function = option(function)
    return function


class TargetLaunch(click.Command):
    """A command whose options end where the target's words begin."""

    def __init__(self, *args: Any, needs: Sequence[str] = (), **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._needs = frozenset(needs)
        """The command does nothing without one of these options, and starts the target more than once."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        words = divide(args, self.options_with_value())
        behind = self.misplaced(words)
        if behind is not None and self._needs and not context.resilient_parsing:
            sentence = behind.sentence(str(self.name))
            given = {word.partition("=")[0] for word in words.options}
            if self._needs.intersection(behind.names) and not self._needs.intersection(given):
                raise ProfilerError(sentence)
            from profilednn_tui.launch.headless import say

            say(f"profilednn-tui: {sentence}")  # they may be the script's
        rest = super().parse_args(context, list(words.options))
        context.obj = words
        return rest

    def shell_complete(self, context: click.Context, incomplete: str) -> list[CompletionItem]:
        """Our options up to the target; from there on, its own words are files for all we know."""
        ours = [] if context.obj.target else super().shell_complete(context, incomplete)
        return [*completing.files(incomplete), *ours]

    def options_with_value(self) -> frozenset[str]:
        return frozenset(name for option in self._options() if not option.is_flag for name in option.opts)

    def misplaced(self, words: Words) -> Misplaced | None:
        """Options of this command that stand behind the script."""
        flags = frozenset(
            name for option in self._options() if option.is_flag for name in (*option.opts, *option.secondary_opts)
        )
        return misplaced(words, flags, self.options_with_value())

    def _options(self) -> Iterator[click.Option]:
        return (parameter for parameter in self.params if isinstance(parameter, click.Option))

    def collect_usage_pieces(self, context: click.Context) -> list[str]:
        return ["[OPTIONS]", "SCRIPT [ARGS]... | -m MODULE [ARGS]... | -- COMMAND [ARGS]..."]


@click.command("run", cls=TargetLaunch)
@launch_options
@click.option(
    "--epochs",
    metavar="N",
    type=click.IntRange(min=1),
    help="The training has N epochs: tells the remaining time where the program's loops do not.",
)
@click.option("--detach", is_flag=True, help="Start it and return at once; `attach` shows it.")
@click.pass_context
def run(context: click.Context, /, python: str | None, headless: bool, detach: bool, **options: Any) -> None:
    """Launch a script, module or command and watch it.

    A COMMAND is anything that ends up in Python: torchrun, accelerate, a shell script. Everything after SCRIPT, MODULE
    or COMMAND belongs to the target.
    """
    words = context.obj
    if asks_for_help(**options):
        print_optimizations(python)
        return
    command, settings = target_command(words.kind, words.target, python), launch_settings(**options)
    if detach:
        launch_detached(command, settings)
    else:
        launch(command, settings, headless, run.misplaced(words))


@click.command("demo")
@launch_options
@click.argument("arguments", metavar="[-- ARGS]...", nargs=-1, type=click.UNPROCESSED)
def demo(arguments: tuple[str, ...], python: str | None, headless: bool, **options: Any) -> None:
    """Watch the bundled script train a RetinaNet.

    ARGS go to the script: `profilednn-tui demo -- --help` shows them.
    """
    if asks_for_help(**options):
        print_optimizations(python)
        return
    command = script_command(str(DEMO_SCRIPT), arguments, python)
    _check_demo_packages(command.python)
    launch(command, launch_settings(**options), headless)


def target_command(kind: TargetKind, words: Sequence[str], python: str | None) -> TargetCommand:
    """The target command given by the words after our options."""
    if kind is TargetKind.COMMAND and python is not None:
        raise ProfilerError(
            "--python goes with a script or -m MODULE; a COMMAND brings its own interpreter. Leave it out."
        )
    if not words:
        raise ProfilerError("Nothing to run. Name a SCRIPT, -m MODULE or -- COMMAND; see `profilednn-tui run --help`.")
    if kind is TargetKind.COMMAND:
        return any_command(words)
    start = module_command if kind is TargetKind.MODULE else script_command
    return start(words[0], words[1:], python)


def launch_settings(
    output: Path | None,
    recipe: Recipe,
    optimizations: tuple[str, ...],
    environment: dict[str, str],
    **options: Any,
) -> LaunchOptions:
    """The options of a command line as one value."""
    return LaunchOptions(
        output=output and output.expanduser().absolute(),
        optimizations=tuple(dict.fromkeys((*recipe.optimizations, *optimizations))),
        environment={**recipe.environment, **environment},
        **options,
    )


WRONG_USAGE = 2
"""The exit code of a script that rejects its arguments, from argparse and others."""


def launch(command: TargetCommand, options: LaunchOptions, headless: bool, behind: Misplaced | None = None) -> NoReturn:
    """Start the target, watch it in the TUI or headless, and exit as it did.

    `behind` are options of ours among the target's words: they are mentioned if it rejects its arguments.
    """
    check_names(options.optimizations, command.python)
    from profilednn_tui.cli.front import on_terminal, show, warn_of_home

    warn_of_home()

    if headless or not on_terminal():
        from profilednn_tui.launch.headless import run_headless

        _end(run_headless(command, options), behind)
    from profilednn_tui.launch.pseudoterminal import TerminalSize
    from profilednn_tui.launch.rerun import Rerun

    columns, rows = os.get_terminal_size(sys.stdout.fileno())
    rerun = Rerun(command, options)
    folder = rerun.start(TerminalSize(rows, columns))
    from profilednn_tui.session.open_session import open_session

    _end(show(open_session(folder, started_here=True), launched=True, rerun=rerun), behind)


def _end(exit_code: int, behind: Misplaced | None) -> NoReturn:
    if exit_code == WRONG_USAGE and behind is not None:
        from profilednn_tui.launch.headless import say

        say(f"profilednn-tui: {behind.sentence('run')}")
    end_like(exit_code)


def launch_detached(command: TargetCommand, options: LaunchOptions) -> None:
    """Start the target on a terminal of its own, and print how to attach to it."""
    from profilednn_tui.cli.front import warn_of_home
    from profilednn_tui.launch.pseudoterminal import TerminalSize
    from profilednn_tui.launch.start import start_under_terminal

    warn_of_home()
    columns, rows = shutil.get_terminal_size((120, 40))
    folder = start_under_terminal(command, options, TerminalSize(rows, columns))
    click.echo(f"Started {plain(command.display_name)}: `profilednn-tui attach {session_word(folder)}` shows it.")


def _check_demo_packages(python: str) -> None:
    from profilednn_tui.launch.interpreter import package_versions

    missing = {"torch", "torchvision"} - package_versions(python, ("torch", "torchvision")).keys()
    if missing:
        raise ProfilerError(
            f"The demo needs {' and '.join(sorted(missing))}, which {python} does not have. "
            "Install `profilednn-tui[train]`, or name another interpreter with --python PATH."
        )
