"""Operators so short that starting them costs more than their work."""

from __future__ import annotations

from profilednn_tui import units
from profilednn_tui.advise.findings import Evidence, Finding, Remedy
from profilednn_tui.advise.rule import PROFILED_MS, Signals, mostly_at, no_operators
from profilednn_tui.session.view import Operator

SHORT_NS = 10_000
LEAST_CALLS_PER_STEP = 100
LEAST_SHARE = 0.15


def _is_short(row: Operator) -> bool:
    """Whether a call takes a few microseconds; those that prepare data have a rule of their own."""
    short = 0 < row.self_ns_per_step < SHORT_NS * row.calls_per_step
    return short and row.phase != "data" and row.key.name.startswith("aten::")


class SmallOperators:
    """Adds up the operators whose own time is a few microseconds."""

    name = "small-operators"

    def missing(self, signals: Signals) -> str:
        return no_operators(signals)

    def look(self, signals: Signals) -> Finding | None:
        rows = signals.operators(_is_short)
        calls = sum(row.calls_per_step for row in rows)
        account = signals.account
        covered = account.of_operators(rows)
        share = account.share(covered)
        if calls < LEAST_CALLS_PER_STEP or share < LEAST_SHARE:
            return None
        most = max(rows, key=lambda row: row.self_ns_per_step)
        where = signals.place(most)
        line, line_ns = next(iter(signals.lines(rows).items()), ("", 0.0))
        at = mostly_at(line, line_ns / sum(row.self_ns_per_step for row in rows))
        return Finding(
            self.name,
            f"{units.count(calls)} operators of less than 10 µs take {units.share(share)} of the step{at}",
            (
                Evidence("operators of less than 10 µs", calls, "calls per step", "2"),
                Evidence(
                    f"self time of {most.key.name}", most.self_ns_per_step / 1e6, PROFILED_MS, where or most.key.name
                ),
                Evidence("their mean self time", sum(row.self_ns_per_step for row in rows) / calls / 1e3, "µs", "2"),
            ),
            Remedy(("compile",), {}),
            covered,
        )
