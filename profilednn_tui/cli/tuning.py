"""The ``tune`` command: the fastest setting of a training on this machine, with its proof."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from profilednn_tui import units
from profilednn_tui.cli import values
from profilednn_tui.cli.experimenting import ProgressLines
from profilednn_tui.cli.front import warn_of_home
from profilednn_tui.cli.launching import TargetLaunch, environment_option, target_command
from profilednn_tui.cli.words import Words
from profilednn_tui.errors import ProfilerError
from profilednn_tui.experiment.variants import Variant
from profilednn_tui.launch.headless import say
from profilednn_tui.paths import session_word

if TYPE_CHECKING:
    from profilednn_tui.compare.tuning import TuneReport

DEFAULT_MINUTES = 20.0
RECIPE_ENDING = ".recipe.toml"


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the command line says of the training and of the search."""

    python: str | None
    environment: dict[str, str]
    on: tuple[str, ...]
    minutes: float
    steps: int | None
    over: tuple[str, ...]
    without: tuple[str, ...]
    scratch: bool | None
    seed: int


@click.command("tune", cls=TargetLaunch)
@click.option(
    "--minutes", metavar="M", type=values.FiniteRange(min=0, min_open=True), default=DEFAULT_MINUTES, show_default=True,
    help="Time for finding the candidates; proving the best takes as long again at most.",
)  # fmt: skip
@click.option(
    "--over", metavar="NAME,NAME", callback=values.searched_optimizations,
    help="Search over these only: optimizations, and threads=N.",
)  # fmt: skip
@click.option("--without", metavar="NAME,NAME", callback=values.searched_optimizations, help="Leave these out.")
@click.option(
    "--steps", metavar="N", type=click.IntRange(min=10),
    help="Steps per run in the race and in the proof  [default: as many as there is time for]",
)  # fmt: skip
@click.option(
    "--with", "on", metavar="OPT,OPT", default="", callback=values.optimizations,
    help="Optimizations that are on anyway, in stock too.",
)  # fmt: skip
@click.option(
    "--recipe", "recipe_file", metavar="FILE", type=click.Path(path_type=Path),
    help=f"Where to write the winner  [default: SCRIPT{RECIPE_ENDING}]",
)  # fmt: skip
@click.option(
    "--scratch/--in-place", "scratch", default=None,
    help="Run in copies of the working folder, or in the folder itself, where each run may overwrite files  [default: "
    "in the folder if a first look shows that runs write nothing there; else in copies]",
)  # fmt: skip
@click.option("--resume", metavar="SEARCH", help="Go on with a search that was stopped.")
@click.option("--seed", metavar="N", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True)
@click.option("--python", metavar="PATH", help="The target's interpreter.")
@environment_option("in all runs")
@click.option(
    "--to", "format_name", metavar="FORMAT", type=click.Choice(values.REPORT_FORMATS), default="text", show_default=True
)
@click.option("-o", "--output", metavar="FILE", type=click.Path(path_type=Path), help="Default: standard output.")
@click.pass_context
def tune(
    context: click.Context,
    /,
    resume: str | None,
    recipe_file: Path | None,
    format_name: str,
    output: Path | None,
    **asked: object,
) -> None:
    """Find the fastest setting of a training on this machine, and prove it.

    First, everything that can be switched between steps is switched at random in one process; then what needs a process
    of its own races; then the best is compared with stock, and only that comparison counts. Optimizations, threads and
    allocators are searched; the training itself stays the same. The report goes to stdout, progress to stderr. Ctrl-C
    ends with what is proven so far; --resume goes on.
    """
    from profilednn_tui.export.tuning import TUNING_FORMATS

    words: Words = context.obj
    if recipe_file is not None:
        _check_file(recipe_file)
    if resume is not None:
        _check_resume(context, asked)
    folder = _find(resume, words) if resume is not None else _create(words, _Asked(**asked))  # type: ignore[arg-type]
    stopped_by = _search(folder)
    report = _report(folder, stopped_by, recipe_file)
    values.write_text(TUNING_FORMATS[format_name](report), output)
    if stopped_by is not None:
        say(f"profilednn-tui: stopped: profilednn-tui tune --resume {session_word(folder)}")
        sys.exit(128 + stopped_by)


def _check_resume(context: click.Context, asked: Iterable[str]) -> None:
    """A search goes on as it was asked for: raises a `ProfilerError` if something else is asked of it."""
    for parameter in context.command.params:
        if parameter.name in asked and context.get_parameter_source(parameter.name) is ParameterSource.COMMANDLINE:
            raise ProfilerError(
                f"Leave out {parameter.opts[0]}: --resume goes on with the search as it was begun. "
                "Begin a new one to search otherwise, or for longer."
            )


def _create(words: Words, asked: _Asked) -> Path:
    from profilednn_tui.compare.variant_names import STOCK
    from profilednn_tui.experiment.plan import Experiment
    from profilednn_tui.launch.optimizations import check_names
    from profilednn_tui.tune.record import MANY_STEPS, Wishes, new_search

    command = target_command(words.kind, words.target, asked.python)
    searched = [name for name in (*asked.over, *asked.without) if not name.startswith("threads=")]
    check_names((*asked.on, *searched), command.python)
    base = Experiment(
        name=command.display_name,
        words=words.target,
        kind=words.kind.value,
        working_directory=command.working_directory,
        variants=(Variant(STOCK, asked.on),),
        repeat=1,
        steps=asked.steps or MANY_STEPS,
        seed=asked.seed,
        start_unix_ns=time.time_ns(),
        python=command.python or None,
        environment=asked.environment,
        lockstep=None,
        scratch=asked.scratch,
    )
    warn_of_home()
    return new_search(base, Wishes(asked.minutes, asked.over, asked.without, asked.steps))


def _find(name: str, words: Words) -> Path:
    from profilednn_tui.session.storage.ownership import why_foreign
    from profilednn_tui.tune.record import TUNE_FILE, find_search

    if words.target:
        raise ProfilerError("--resume goes on with what the search was started with. Leave out the SCRIPT.")
    folder = find_search(name)
    foreign = why_foreign(folder, TUNE_FILE)
    if foreign:
        raise ProfilerError(foreign)
    return folder


def _search(folder: Path) -> int | None:
    from profilednn_tui.launch.interpreter import find_interpreter
    from profilednn_tui.launch.optimizations import describe_optimizations
    from profilednn_tui.tune.record import load_search
    from profilednn_tui.tune.search import Means, search

    base = load_search(folder, as_written=True).base
    lines = ProgressLines()

    def tell(line: str) -> None:
        lines.clear()
        say(line)

    offers = describe_optimizations(base.python or find_interpreter(None))
    say(f"profilednn-tui: search {folder.name}")
    try:
        return search(folder, Means(offers, tell, lines))
    finally:
        lines.clear()


def _report(folder: Path, stopped_by: int | None, recipe_file: Path | None) -> TuneReport:
    """What was found; the winner is written to its recipe."""
    from profilednn_tui.tune.record import search_bytes
    from profilednn_tui.tune.report import report_of

    report = report_of(folder, "" if stopped_by is None else "stopped before its end")
    say(f"profilednn-tui: the search is kept in {folder}, {units.bytes_size(search_bytes(folder))}")
    if report.winner is None:
        return report
    path = recipe_file or _default_file(folder)
    values.write_text(_recipe(report), path)
    return replace(report, recipe=str(path))


def _recipe(report: TuneReport) -> str:
    from profilednn_tui.collect.machine import own_hardware
    from profilednn_tui.export.comparison.words import whole_verdict_text
    from profilednn_tui.export.tuning.words import training_text
    from profilednn_tui.launch.recipe import Recipe, recipe_text

    assert report.winner is not None
    assert report.comparison is not None
    comments: Sequence[str] = (
        f"The fastest setting of {report.name} that profilednn-tui tune has proven.",
        whole_verdict_text(report.comparison.verdict),
        training_text(report),
        f"On {own_hardware()}, {time.strftime('%Y-%m-%d')}. Elsewhere, or with other shapes, search again.",
    )
    return recipe_text(Recipe(report.winner.optimizations, report.winner.environment), comments)


def _default_file(folder: Path) -> Path:
    """Beside the user, never over a file of theirs."""
    from profilednn_tui.tune.record import load_search

    stem = Path(load_search(folder).base.name).stem or "training"
    path, number = Path(f"{stem}{RECIPE_ENDING}"), 2
    while path.exists():
        path, number = Path(f"{stem}-{number}{RECIPE_ENDING}"), number + 1
    return path


def _check_file(path: Path) -> None:
    """Reject a file that could not be written at the end."""
    if path.is_dir() or not path.parent.is_dir():
        raise ProfilerError(f"Cannot write {path}: name a file in a folder that exists with --recipe FILE.")
