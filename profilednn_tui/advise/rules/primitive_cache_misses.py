"""oneDNN primitives that are created anew in each step, because shapes keep changing."""

from __future__ import annotations

from collections import Counter

from profilednn_tui import units
from profilednn_tui.advise.account import NOTHING
from profilednn_tui.advise.findings import Evidence, Finding, Remedy
from profilednn_tui.advise.rule import Signals
from profilednn_tui.advise.rules._primitives import creations_of, no_primitives
from profilednn_tui.onednn.breakdown import total
from profilednn_tui.session.view import SessionView

FEWEST_WINDOWS = 2
"""A single one may have seen the first use of each shape."""
LEAST_FRACTION = 0.1
"""Of the executions: with shapes that repeat, oneDNN creates each primitive once."""
LEAST_SHARE = 0.01
LEAST_GROWTH_BYTES = 20_000_000
FEWEST_SAMPLES = 4


class PrimitiveCacheMisses:
    """Counts the primitives that oneDNN's cache did not have."""

    name = "primitive-cache-misses"

    def missing(self, signals: Signals) -> str:
        primitives = signals.view.primitives
        reason = no_primitives(signals)
        if not reason and not primitives.creations_logged:
            reason = "this recording does not tell which primitives were created"
        if not reason and len(primitives.windows) < FEWEST_WINDOWS:
            reason = "only one window has data on oneDNN primitives"
        return reason

    def look(self, signals: Signals) -> Finding | None:
        primitives = signals.view.primitives
        windows = len(primitives.windows)
        created = total(use.creation for use in primitives.log.uses)
        executed = total(use.execution for use in primitives.log.uses)
        if not created.count or created.count < LEAST_FRACTION * executed.count:
            return None
        covered = creations_of(signals)
        share = signals.account.share(covered)
        growth = _growth_bytes(signals.view)
        if share < LEAST_SHARE:
            if growth < LEAST_GROWTH_BYTES:
                return None
            covered = NOTHING
        changing = _changing(signals)
        heaviest = max(changing, key=lambda name: (changing[name], name), default="")
        rows = signals.operators(lambda row: row.key.name == heaviest)
        at = signals.at(rows[0]) if rows else ""
        evidence = [
            Evidence("oneDNN primitives created", created.count / windows, "per step", "d"),
            Evidence("oneDNN primitives run", executed.count / windows, "per step", "d"),
            Evidence("time to create them", created.total_ms / windows, "ms per step", "d"),
        ]
        if heaviest:
            evidence.append(
                Evidence(
                    f"shapes of {heaviest} that not every profiled step has", changing[heaviest], "shapes", heaviest
                )
            )
        if growth > 0:
            evidence.append(Evidence("growth of the resident memory lately", growth / 1e6, "MB", "5"))
        kept = ", and oneDNN keeps them in memory" if growth >= LEAST_GROWTH_BYTES else ""
        return Finding(
            self.name,
            f"oneDNN creates {units.count(created.count / windows)} primitives anew in each step, because shapes "
            f"change from step to step: {units.share(share)} of the step{kept}",
            tuple(evidence),
            Remedy(
                change=f"Pad or bucket batches to a few sizes, such as multiples of 64{at}; against the memory alone, "
                "set ONEDNN_PRIMITIVE_CACHE_CAPACITY to fewer than its 1,024 primitives."
            ),
            covered,
        )


def _changing(signals: Signals) -> Counter[str]:
    """Operators -> the number of their shapes that ran in some profiled steps only."""
    primitives = signals.view.primitives
    return Counter(
        row.key.name
        for row in signals.view.operators.rows
        if 0 < row.calls_per_step < 1 and row.key in primitives.by_operator
    )


def _growth_bytes(view: SessionView) -> int:
    """Over the second half of the samples; 0 if they are too few."""
    recent = view.memory.rss_history[len(view.memory.rss_history) // 2 :]
    return recent[-1] - recent[0] if len(recent) >= FEWEST_SAMPLES else 0
