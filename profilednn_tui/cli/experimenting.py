"""The ``experiment`` command: interleaved runs of variants."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from profilednn_tui import units
from profilednn_tui.cli import values
from profilednn_tui.cli.certifying import certify, check_certificate_file, write_certificate
from profilednn_tui.cli.front import warn_of_home
from profilednn_tui.cli.launching import TargetLaunch, environment_option, overhead_option, target_command
from profilednn_tui.cli.words import Words
from profilednn_tui.compare.variant_names import STOCK
from profilednn_tui.errors import ProfilerError
from profilednn_tui.experiment.ablation import ablation_variants
from profilednn_tui.experiment.variants import Variant
from profilednn_tui.launch.headless import say
from profilednn_tui.launch.optimizations import check_names
from profilednn_tui.paths import session_word

if TYPE_CHECKING:
    from profilednn_tui.compare.runs import Run
    from profilednn_tui.experiment.plan import Experiment, RunEntry
    from profilednn_tui.experiment.runner import ExperimentProgress

DEFAULT_REPEAT = 8
"""With fewer, a single disturbed run hides a difference of ten percent."""
MOST_REPEATS = 1_000
DEFAULT_STEPS = 60
GRID = "--grid"

_CLEAR_LINE = "\r\x1b[K"


class GridLaunch(TargetLaunch):
    """Takes further axes behind the one of ``--grid``: ``--grid ranks=1,2 threads=1,2 -- torchrun train.py``."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        words: list[str] = []
        rest = list(args)
        takes_value = self.options_with_value()
        while rest and rest[0].startswith("-") and rest[0] != "--" and not rest[0].startswith("-m"):
            words.append(rest.pop(0))
            if words[-1] in takes_value and rest:
                words.append(rest.pop(0))
            if GRID in (words[-1].partition("=")[0], words[-2] if len(words) > 1 else ""):
                while rest and "=" in rest[0] and not rest[0].startswith("-"):
                    words += [GRID, rest.pop(0)]
        return super().parse_args(context, [*words, *rest])


@click.command("experiment", cls=GridLaunch, needs=("--variant", GRID))
@click.option(
    "--variant",
    "variants",
    metavar="NAME=OPT,OPT",
    multiple=True,
    callback=values.variants,
    help="A variant: optimizations, VARIABLE=VALUE and python=PATH, separated by commas; the first is the baseline. "
    f"With only one, the baseline is {STOCK}, with nothing switched on.",
)
@click.option(
    GRID,
    "grid",
    metavar="NAME=VALUE,VALUE",
    multiple=True,
    help="Run every combination of ranks=1,2 threads=1,2 and other values instead of variants: ranks go to the "
    "launcher, threads to OMP_NUM_THREADS, and {NAME} in the command stands for any value, such as {batch}.",
)
@click.option(
    "--repeat",
    metavar="N",
    type=click.IntRange(1, MOST_REPEATS),
    default=DEFAULT_REPEAT,
    show_default=True,
    help="Runs per variant; with 4 or more, the spread between them is measured.",
)
@click.option(
    "--steps",
    metavar="N",
    type=click.IntRange(min=10),
    default=DEFAULT_STEPS,
    show_default=True,
    help="Steps per run, warm-up included.",
)
@click.option(
    "--lockstep/--in-turn",
    "lockstep",
    default=None,
    help="Run all variants at the same time, with their steps in turn, which detects smaller differences; or one run "
    "after the other  [default: in lockstep if a first look at the baseline shows that it is safe]",
)
@click.option(
    "--scratch/--in-place",
    "scratch",
    default=None,
    help="Run in copies of the working folder, or in the folder itself, where each run may overwrite files  "
    "[default: in the folder if a first look shows that runs write nothing there; else asks]",
)
@click.option(
    "--ablate", is_flag=True, help="Also run the variant without each of its optimizations, and with each one alone."
)
@click.option("--resume", metavar="EXPERIMENT", help="Make the runs that are missing in an experiment.")
@click.option("--seed", metavar="N", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True)
@click.option("--python", metavar="PATH", help="The interpreter for variants that name none.")
@environment_option("in all variants")
@overhead_option
@click.option("--name", metavar="TEXT", help="A name for the experiment.")
@click.option(
    "--certificate",
    "certificate_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write the figures behind `same training` for every step and parameter group to FILE.json or FILE.md.",
)
@click.option(
    "--no-certificate", is_flag=True, help="Do not check by a short run of each variant that it trains the same."
)
@click.option(
    "--to", "format_name", metavar="FORMAT", type=click.Choice(values.REPORT_FORMATS), default="text", show_default=True
)
@click.pass_context
def experiment(
    context: click.Context,
    /,
    resume: str | None,
    format_name: str,
    certificate_file: Path | None,
    no_certificate: bool,
    **options: Any,
) -> None:
    """Run variants of a script in lockstep or in turn, and report which is faster.

    Each run is a separate process with the same number of steps and the same seed, in the order A B B A A B ... A first
    look at the baseline shows whether lockstep is safe and which files runs write. The report goes to stdout, progress
    to stderr. Ctrl-C keeps the finished runs; --resume makes the missing ones.
    """
    if certificate_file is not None:
        if no_certificate:
            raise ProfilerError("--certificate FILE needs the runs that --no-certificate leaves out. Name one of them.")
        check_certificate_file(certificate_file)
    options["certify"] = not no_certificate
    folder = _create(context.obj, **options) if resume is None else _find(resume, context.obj)
    from profilednn_tui.experiment.plan import load_experiment

    _run(folder, options["lockstep"], options["scratch"])
    if not no_certificate:
        certify(folder)
    recorded = load_experiment(folder)
    if recorded.experiment.is_grid:
        from profilednn_tui.experiment.grid import read_grid
        from profilednn_tui.export.grid import FORMATS as GRID_FORMATS

        click.echo(GRID_FORMATS[format_name](read_grid(recorded)), nl=False)
        return
    from profilednn_tui.experiment.sides import experiment_report
    from profilednn_tui.experiment.spread import learn
    from profilednn_tui.export.comparison import FORMATS

    report = experiment_report(folder)
    learn(folder, report.comparisons)
    if certificate_file is not None:
        write_certificate(report, certificate_file)
    click.echo(FORMATS[format_name](report), nl=False)


def _create(
    words: Words,
    variants: tuple[Variant, ...],
    grid: tuple[str, ...],
    ablate: bool,
    name: str | None,
    python: str | None,
    repeat: int,
    steps: int,
    **options: Any,
) -> Path:
    from profilednn_tui.experiment.plan import Experiment
    from profilednn_tui.experiment.runner import target_of
    from profilednn_tui.experiment.spread import expected
    from profilednn_tui.paths import new_session_folder

    command = target_command(words.kind, words.target, python)
    if grid:
        if options["lockstep"]:
            raise ProfilerError(
                "The cells of a grid run in turn, because several processes train. Leave out --lockstep."
            )
        every = _cells(grid, variants, ablate, words)
        options = {**options, "lockstep": False, "certify": False}
    else:
        every = _all_variants(variants, ablate)
        _check_lockstep(words, options["lockstep"])
    for variant in every:
        check_names(variant.optimizations, variant.python or command.python)
    new = Experiment(
        name=name or command.display_name,
        words=words.target,
        kind=words.kind.value,
        working_directory=command.working_directory,
        variants=every,
        repeat=repeat,
        steps=steps,
        start_unix_ns=time.time_ns(),
        python=command.python or None,
        ablated=variants[0].optimizations if ablate else (),
        **options,
    )
    for variant in every:
        target_of(new, variant)  # raises for a target that cannot be started, before anything is written
    warn_of_home()
    folder = new_session_folder(new.name)
    new = replace(new, spread=expected(folder.parent, new))
    new.save(folder)
    return folder


def _cells(grid: tuple[str, ...], variants: tuple[Variant, ...], ablate: bool, words: Words) -> tuple[Variant, ...]:
    """A variant for each cell that fits on the cores; those that do not are told."""
    from profilednn_tui.collect.machine import own_cores
    from profilednn_tui.experiment.grid import grid_variants, parse_axes

    if variants or ablate:
        raise ProfilerError("--grid makes its own variants. Leave out --variant and --ablate.")
    cores = len(own_cores().allowed)
    every, too_large = grid_variants(parse_axes(grid), words.target, cores)
    if too_large:
        say(f"profilednn-tui: left out, as there are {units.counted(cores, 'core')}: {', '.join(too_large)}")
    return every


def _check_lockstep(words: Words, lockstep: bool | None) -> None:
    from profilednn_tui.ranks.launchers import launcher_of

    launcher = launcher_of(words.target)
    if lockstep and launcher is not None:
        raise ProfilerError(
            f"{launcher.name} starts several processes, and in lockstep only one may train. Leave out --lockstep."
        )


def _all_variants(variants: tuple[Variant, ...], ablate: bool) -> tuple[Variant, ...]:
    if not variants:
        raise ProfilerError("An experiment needs a variant. Name one with --variant NAME=OPT,OPT.")
    if ablate:
        if len(variants) > 1 or not variants[0].optimizations:
            raise ProfilerError("--ablate needs exactly one variant, with optimizations: --variant NAME=OPT,OPT.")
        return ablation_variants(variants[0])
    if len(variants) > 1:
        return variants
    if variants[0].name == STOCK:
        raise ProfilerError(f"The only variant is called {STOCK}, like the baseline it is compared with. Rename it.")
    return (Variant(STOCK), *variants)


def _find(name: str, words: Words) -> Path:
    from profilednn_tui.experiment.plan import find_experiment

    if words.target:
        raise ProfilerError("--resume runs what the experiment was started with. Leave out the SCRIPT.")
    folder = find_experiment(name)
    if folder is None:
        raise ProfilerError(f"There is no experiment {name}. `profilednn-tui list` shows those on this machine.")
    return folder


def _run(folder: Path, lockstep: bool | None, scratch: bool | None) -> None:
    """Make the missing runs, `lockstep` and in `scratch` copies if asked for; exits when interrupted by a signal."""
    from profilednn_tui.cli.deciding import decided
    from profilednn_tui.experiment.plan import EXPERIMENT_FILE, load_experiment
    from profilednn_tui.experiment.runner import run_experiment
    from profilednn_tui.session.storage.ownership import why_foreign

    foreign = why_foreign(folder, EXPERIMENT_FILE)
    if foreign:
        raise ProfilerError(foreign)
    recorded = load_experiment(folder, as_written=True).experiment
    say(f"profilednn-tui: experiment {folder.name}, {_plan(recorded)}")
    lines = ProgressLines()
    recorded = decided(_with_wishes(recorded, lockstep, scratch), folder)
    outcome = run_experiment(recorded, folder, lines)
    lines.clear()
    if outcome.stopped_by is not None:
        missing = len(outcome.experiment.pending())
        resume = f"profilednn-tui experiment --resume {session_word(folder)}"
        say(f"profilednn-tui: stopped, {missing} runs are missing: {resume}")
        sys.exit(128 + outcome.stopped_by)


def _with_wishes(recorded: Experiment, lockstep: bool | None, scratch: bool | None) -> Experiment:
    """The experiment with what the user now says about the order and place of its runs, before any was made."""
    if recorded.is_grid and lockstep:
        raise ProfilerError("The cells of a grid run in turn, because several processes train. Leave out --lockstep.")
    if not recorded.runs:
        lockstep = recorded.lockstep if lockstep is None else lockstep
        return replace(recorded, lockstep=lockstep, scratch=recorded.scratch if scratch is None else scratch)
    for name, wish, made in (("order", lockstep, recorded.lockstep), ("place", scratch, recorded.scratch)):
        if wish is not None and wish != bool(made):
            raise ProfilerError(f"The {name} of an experiment's runs cannot change after its first. Start a new one.")
    return recorded


def _plan(recorded: Experiment) -> str:
    names = ", ".join(variant.name for variant in recorded.variants)
    pending, total = len(recorded.pending()), recorded.repeat * len(recorded.variants)
    runs = units.counted(total, "run") if pending == total else f"{pending} of {units.counted(total, 'run')} to make"
    return f"{runs} of {recorded.steps} steps: {names}"


@dataclass
class ProgressLines:
    """One line per run on stderr; on a terminal, also a status line that is updated in place."""

    live: bool = bool(sys.stderr and sys.stderr.isatty())

    def beat(self, progress: ExperimentProgress) -> None:
        if self.live:
            elapsed = units.duration(progress.elapsed_s * 1e9)
            self._write(f"{_head(progress)}  {elapsed}{_left(progress, progress.elapsed_s)}")

    def ended(self, progress: ExperimentProgress, entry: RunEntry, run: Run) -> None:
        self.clear()
        median = units.duration(run.view.steps.median_ns)
        reason = f"  {entry.state.value}: {entry.reason}" if entry.reason else ""
        say(f"{_head(progress)}  median {median}{_left(progress, progress.elapsed_s)}{reason}")

    def clear(self) -> None:
        """Erase the status line, and what the terminal echoed into it."""
        if self.live:
            self._write("")

    def _write(self, text: str) -> None:
        sys.stderr.write(_CLEAR_LINE + text)
        sys.stderr.flush()


def _head(progress: ExperimentProgress) -> str:
    width = len(str(progress.total))
    return f"run {progress.number:{width}} of {progress.total}  {progress.variant:16}"


def _left(progress: ExperimentProgress, elapsed_s: float) -> str:
    if progress.remaining_s is None or progress.remaining_s <= elapsed_s:
        return ""
    return f"  about {units.duration((progress.remaining_s - elapsed_s) * 1e9)} left"
