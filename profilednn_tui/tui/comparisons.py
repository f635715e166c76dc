"""What the run list offers: earlier runs of a session's script, or the variants of a report."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from profilednn_tui import units
from profilednn_tui.clock import Clock
from profilednn_tui.compare.comparison import Comparison, compare
from profilednn_tui.compare.runs import Run, Side, data_shapes
from profilednn_tui.errors import ProfilerError
from profilednn_tui.experiment.related import Related, related_runs
from profilednn_tui.export.comparison.report import Report
from profilednn_tui.session.open_session import SourceFile, open_session
from profilednn_tui.session.view import SessionView
from profilednn_tui.tui.present.comparison import RunRow
from profilednn_tui.tui.screens.runs import RunChoice

THIS_RUN = "this run"

Choices = Callable[[SessionView], tuple[RunChoice, ...]]
"""What a session can be compared with."""


def related_choices(location: Path, clock: Clock) -> Choices:
    """Earlier runs of the same script as baselines of the session at `location`."""

    def choices(view: SessionView) -> tuple[RunChoice, ...]:
        shapes = (data_shapes(view.operators),) if view.operators.windows else ()
        candidate = Side(THIS_RUN, (Run(THIS_RUN, view, tuple(filter(None, shapes)), location),))

        def against(baseline: Related) -> Comparison:
            side = baseline.read()
            if not side.runs:
                raise ProfilerError("no finished run")
            return compare(side, candidate)

        now_ns = clock.unix_ns()
        return tuple(
            RunChoice(
                RunRow(f"{one.folder}:{one.name}", one.name, one.variant, units.duration(now_ns - one.start_unix_ns)),
                partial(against, one),
            )
            for one in related_runs(view.target, location)
        )

    return choices


def report_choices(report: Report) -> tuple[RunChoice, ...]:
    """The variants of a report, which are already compared."""

    def known(comparison: Comparison) -> Comparison:
        return comparison

    return tuple(
        RunChoice(
            RunRow(one.candidate.name, one.candidate.name, _switched_on(one.candidate), units.UNKNOWN),
            partial(known, one),
        )
        for one in report.comparisons
    )


def _switched_on(side: Side) -> str:
    optimizations = side.runs[0].view.target.optimizations if side.runs else ()
    return ", ".join(optimizations) or units.UNKNOWN


def read_source(run: Run, file: str) -> SourceFile:
    """A source file as a run recorded it."""
    if run.location is None:
        return SourceFile(file)
    try:
        session = open_session(run.location)
    except ProfilerError:
        return SourceFile(file)
    with session:
        return session.source(file)
