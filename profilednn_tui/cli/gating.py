"""The ``gate`` command: is this revision slower than the one before?"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from profilednn_tui.cli import values
from profilednn_tui.cli.comparing import REGRESSION
from profilednn_tui.cli.experimenting import DEFAULT_STEPS, ProgressLines
from profilednn_tui.cli.front import warn_of_home
from profilednn_tui.cli.launching import TargetLaunch, environment_option, overhead_option, target_command
from profilednn_tui.cli.words import Words
from profilednn_tui.experiment.variants import Variant
from profilednn_tui.launch.headless import say

if TYPE_CHECKING:
    from profilednn_tui.compare.gate import Decision

CANNOT_TELL = 2
DEFAULT_MINUTES = 10.0


@click.command("gate", cls=TargetLaunch)
@click.option(
    "--baseline",
    metavar="REV|FOLDER",
    help="A git revision, or a folder with the other version  [default: HEAD if there are uncommitted changes, else "
    "HEAD~1]",
)
@click.option(
    "--fail-on",
    "fail_on_percent",
    metavar="P%",
    default="5%",
    show_default=True,
    callback=values.percent,
    help="Exit with 3 if this version is detectably slower, by this much or more.",
)
@click.option(
    "--minutes",
    metavar="M",
    type=values.FiniteRange(min=0, min_open=True),
    default=DEFAULT_MINUTES,
    show_default=True,
    help="Time to decide in; it ends earlier once decided.",
)
@click.option(
    "--steps", metavar="N", type=click.IntRange(min=10), default=DEFAULT_STEPS, show_default=True,
    help="Steps per run, warm-up included.",
)  # fmt: skip
@click.option("--seed", metavar="N", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True)
@click.option("--python", metavar="PATH", help="The interpreter of both versions.")
@click.option("--baseline-python", metavar="PATH", help="The baseline's interpreter, if it is another one.")
@environment_option("for both")
@overhead_option
@click.option("--no-certificate", is_flag=True, help="Do not check by a short run of each that both train the same.")
@click.option(
    "--to", "format_name", metavar="FORMAT", type=click.Choice(values.REPORT_FORMATS), default="text", show_default=True
)
@click.pass_context
def gate(context: click.Context, /, format_name: str, **options: Any) -> None:
    """Check on this machine whether a training has become slower, for CI.

    Both versions run in scratch copies, in lockstep where that is safe, until it is decided or the time is up. Exit
    code 0: no regression of P % or more; 3: a regression; 2: it cannot be told, with what would be needed. Figures of
    different days or machines cannot carry 5 %: this compares on one machine at one time.
    """
    from profilednn_tui.compare.gate import Answer
    from profilednn_tui.experiment.sides import experiment_report
    from profilednn_tui.export.comparison.gate import GATE_FORMATS, answer_text

    limit = options["fail_on_percent"] / 100
    decision, folder, revisions = _gate(context.obj, limit, **options)
    report = replace(experiment_report(folder, ("script", "arguments")), limit=limit) if decision.groups else None
    click.echo(GATE_FORMATS[format_name](decision, report, revisions, limit), nl=False)
    if decision.answer is Answer.UNDECIDED:
        say(f"profilednn-tui: {answer_text(decision, limit)}")
        sys.exit(CANNOT_TELL)
    sys.exit(REGRESSION if decision.answer is Answer.REGRESSION else 0)


def _gate(
    words: Words,
    limit: float,
    baseline: str | None,
    minutes: float,
    python: str | None,
    baseline_python: str | None,
    no_certificate: bool,
    fail_on_percent: float,
    **options: Any,
) -> tuple[Decision, Path, str]:
    """Make the runs; returns the decision, the experiment's folder and what was compared."""
    from profilednn_tui.cli.certifying import certify
    from profilednn_tui.cli.deciding import decided
    from profilednn_tui.experiment.gate import BASELINE, CANDIDATE, run_gate
    from profilednn_tui.experiment.plan import Experiment
    from profilednn_tui.experiment.revisions import baseline_folder, find_versions
    from profilednn_tui.experiment.runner import target_of
    from profilednn_tui.experiment.scratch import ScratchCopies
    from profilednn_tui.paths import new_session_folder

    until_s = time.monotonic() + 60 * minutes
    command = target_command(words.kind, words.target, python)
    new = Experiment(
        name=f"gate-{command.display_name}",
        words=words.target,
        kind=words.kind.value,
        working_directory=command.working_directory,
        variants=(Variant(BASELINE, python=baseline_python), Variant(CANDIDATE)),
        repeat=1,
        start_unix_ns=time.time_ns(),
        python=command.python or None,
        lockstep=None,
        scratch=True,
        **options,
    )
    versions = find_versions(command.working_directory, baseline)
    new = replace(new, root=str(versions.root))
    target_of(new, new.variants[0])  # raises for an interpreter that cannot be started
    warn_of_home()
    folder = new_session_folder(new.name)
    say(f"profilednn-tui: gate {folder.name}, {versions.text}")
    with ScratchCopies(folder) as copies:
        source = str(baseline_folder(versions, copies))
        new = replace(new, variants=(replace(new.variants[0], folder=source), new.variants[1]))
        new.save(folder)
        outcome = run_gate(decided(new, folder), folder, limit, until_s, ProgressLines())
        if outcome.stopped_by is not None:
            say("profilednn-tui: stopped before it was decided")
            sys.exit(128 + outcome.stopped_by)
        if outcome.decision.groups and not no_certificate:
            certify(folder)
    return outcome.decision, folder, versions.text
