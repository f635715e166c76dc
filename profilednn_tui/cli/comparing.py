"""The ``compare`` command."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from profilednn_tui.cli import completing, values
from profilednn_tui.cli.front import on_terminal, show
from profilednn_tui.errors import ProfilerError

if TYPE_CHECKING:
    from profilednn_tui.export.comparison.report import Report

REGRESSION = 3
"""Exit code of ``--fail-on`` for a regression; part of the public interface."""


@click.command("compare")
@click.argument("baseline", metavar="A", shell_complete=completing.sessions)
@click.argument("candidate", metavar="[B]", required=False, shell_complete=completing.sessions)
@click.option(
    "--fail-on",
    "fail_on_percent",
    metavar="P%",
    callback=values.optional_percent,
    help="Exit with 3 if B is detectably slower, by this much or more.",
)
@click.option(
    "--to",
    "format_name",
    metavar="FORMAT",
    type=click.Choice(values.REPORT_FORMATS),
    help="text, json or markdown [default: the TUI on a terminal, else text].",
)
@click.option("--json", "as_json", is_flag=True, help="Same as --to json.")
@click.option(
    "--across", metavar="WHAT,WHAT", default="", callback=values.checks,
    help=f"Compare even if these differ: {', '.join(values.MAY_DIFFER)}.",
)  # fmt: skip
def compare(
    baseline: str,
    candidate: str | None,
    fail_on_percent: float | None,
    format_name: str | None,
    as_json: bool,
    across: tuple[str, ...],
) -> None:
    """Compare two runs, or the variants of an experiment.

    A and B are sessions, snapshots or EXPERIMENT:VARIANT. A alone is an experiment, whose variants are compared with
    its first one.
    """
    from profilednn_tui.export.comparison import FORMATS

    format_name = values.format_asked_for(as_json, format_name)
    report = _report(baseline, candidate, across)
    if fail_on_percent is not None:
        report = replace(report, limit=fail_on_percent / 100)
    if on_terminal() and format_name is None and fail_on_percent is None and report.comparisons:
        _show(report)
        return
    click.echo(FORMATS[format_name or "text"](report), nl=False)
    if fail_on_percent is not None:
        sys.exit(_exit_code(report, fail_on_percent / 100))


def _report(baseline: str, candidate: str | None, across: tuple[str, ...]) -> Report:
    from profilednn_tui.experiment.plan import find_experiment
    from profilednn_tui.experiment.sides import experiment_report, sessions_report

    if candidate is not None:
        return sessions_report(baseline, candidate, across)
    folder = find_experiment(baseline)
    if folder is None:
        raise ProfilerError(f"{baseline} is not an experiment. Name two sessions, A and B, or one experiment.")
    return experiment_report(folder, across)


def _show(report: Report) -> None:
    from profilednn_tui.session.open_session import open_session

    location = report.comparisons[0].candidate.runs[0].location
    assert location is not None
    show(open_session(location), report=report)


def _exit_code(report: Report, limit: float) -> int:
    """0 or `REGRESSION`; a `ProfilerError` if these runs cannot decide."""
    from profilednn_tui.export.comparison.words import undecided_text

    answers = [comparison.verdict.is_regression(limit) for comparison in report.comparisons]
    if True in answers:
        return REGRESSION
    undecided = [one for one, answer in zip(report.comparisons, answers, strict=True) if answer is None]
    if undecided or not answers:
        reason = undecided_text(undecided[0].verdict, limit) if undecided else "nothing was compared"
        raise ProfilerError(f"--fail-on cannot be decided: {reason}.")
    return 0
