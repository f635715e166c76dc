"""Steps that take much longer than the others, at regular intervals."""

from __future__ import annotations

from itertools import pairwise
from statistics import median

from profilednn_tui import units
from profilednn_tui.advise.findings import Evidence, Finding, Remedy
from profilednn_tui.advise.rule import Signals, no_steps

FEWEST_STEPS = 50
OUTLIER = 1.5
"""Times the median step."""
FEWEST_OUTLIERS = 4
REGULAR = 0.2
"""Deviation from the period that still counts as regular, as a fraction of it: none if it is shorter than 5 steps, as
chance gives distances of 1 to 3."""
LEAST_SHARE = 0.03


class PeriodicStall:
    """Looks for outliers with a period among the plain steps."""

    name = "periodic-stall"

    def missing(self, signals: Signals) -> str:
        steps = signals.view.steps
        return no_steps(signals) or (
            "" if len(steps.durations_ns) >= FEWEST_STEPS else f"fewer than {FEWEST_STEPS} steps have been recorded"
        )

    def look(self, signals: Signals) -> Finding | None:
        steps = signals.view.steps
        plain = [
            (number, duration)
            for number, duration, flags in zip(steps.numbers, steps.durations_ns, steps.flags, strict=True)
            if not flags
        ]
        usual_ns = steps.median_ns or 0.0
        late = [(number, duration - usual_ns) for number, duration in plain if duration > OUTLIER * usual_ns]
        if len(late) < FEWEST_OUTLIERS:
            return None
        distances = [later - earlier for (earlier, _), (later, _) in pairwise(late)]
        period = median(distances)
        regular = [one for one in distances if abs(one - period) <= REGULAR * period]
        if period < 2 or len(regular) < 0.7 * len(distances):
            return None
        lost_ns = sum(extra for _, extra in late)
        share = lost_ns / sum(duration for _, duration in plain)
        if share < LEAST_SHARE:
            return None
        extra = units.duration(median(extra for _, extra in late))
        return Finding(
            self.name,
            f"About every {units.count(period)} steps, one takes {extra} longer: {units.share(share)} of all step time",
            (
                Evidence("steps that take longer", len(late), "steps", "1"),
                Evidence("distance between them", period, "steps", "1"),
                Evidence("the last of them", late[-1][0], "step", "1"),
            ),
            Remedy(
                change=f"See what the script does every {units.count(period)} steps, such as saving, validating or "
                "logging, and do it less often or in another process."
            ),
            # A stall is time beside the median step, in whatever phase; it cannot be told from its parts.
            signals.account.everywhere(share),
        )
