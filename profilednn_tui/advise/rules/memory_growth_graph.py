"""Memory that grows with the steps."""

from __future__ import annotations

from itertools import pairwise

from profilednn_tui import units
from profilednn_tui.advise.findings import Evidence, Finding, Remedy
from profilednn_tui.advise.rule import Signals

FEWEST_SAMPLES = 20
LEAST_GROWTH_BYTES = 50_000_000
LEAST_GROWTH = 0.05
STEADY = 0.7
"""Share of the samples that must exceed the one before, counted over the second half."""


class MemoryGrowthGraph:
    """Looks at the resident memory of the last minutes, after start-up."""

    name = "memory-growth-graph"

    def missing(self, signals: Signals) -> str:
        samples = len(signals.view.memory.rss_history)
        return "" if samples >= FEWEST_SAMPLES else f"fewer than {FEWEST_SAMPLES} samples of the memory have been taken"

    def look(self, signals: Signals) -> Finding | None:
        history, steps = signals.view.memory.rss_history, signals.view.steps
        recent = history[len(history) // 2 :]
        growth = recent[-1] - recent[0]
        grows = sum(later > earlier for earlier, later in pairwise(recent))
        if growth < max(LEAST_GROWTH_BYTES, LEAST_GROWTH * recent[0]) or grows < STEADY * (len(recent) - 1):
            return None
        per_step = growth / (len(recent) - 1) / steps.steps_per_s if steps.steps_per_s else 0.0
        slower = _trend(steps.durations_ns)
        evidence = [
            Evidence("growth of the resident memory", growth / 1e6, "MB", "5"),
            Evidence("growth per step", per_step / 1e6, "MB", "5"),
        ]
        if slower > 1.2:
            evidence.append(Evidence("later steps relative to earlier ones", slower, "ratio", "1"))
            why = "and steps get slower: each backward pass goes through the graphs of earlier steps"
            change = (
                "Detach what is carried from step to step, such as hidden states: h = h.detach(); "
                "leave out retain_graph=True."
            )
        else:
            why = "most likely because something keeps the graphs of earlier steps alive"
            change = "Keep numbers instead of tensors: total += loss.item(); leave out retain_graph=True."
        return Finding(
            self.name,
            f"Memory grows by {units.bytes_size(per_step)} per step, {why}",
            tuple(evidence),
            Remedy(change=change),
        )


def _trend(durations_ns: tuple[int, ...]) -> float:
    """The median of the last quarter of the steps divided by that of the first."""
    quarter = len(durations_ns) // 4
    if not quarter:
        return 1.0
    first, last = sorted(durations_ns[:quarter]), sorted(durations_ns[-quarter:])
    return last[quarter // 2] / first[quarter // 2] if first[quarter // 2] else 1.0
