"""Time of the training thread outside of operators."""

from __future__ import annotations

from profilednn_tui import units
from profilednn_tui.advise.account import Covered
from profilednn_tui.advise.findings import Evidence, Finding, Remedy
from profilednn_tui.advise.rule import Signals, mostly_at, no_operators
from profilednn_tui.session.frames import is_library

PHASES = ("forward", "loss", "backward", "optimizer", "other", "inference")
LOADER = "torch/utils/data/"
"""Where time outside of operators belongs to the data phase."""
LEAST_SHARE = 0.15
ONE_LINE = 0.6
"""Share of the time from which a single line is the cause, rather than Python between operators."""


class PythonOverhead:
    """What no operator accounts for, except waiting for data."""

    name = "python-overhead"

    def missing(self, signals: Signals) -> str:
        return no_operators(signals)

    def look(self, signals: Signals) -> Finding | None:
        account = signals.account
        covered = _recorded(signals, account.outside(PHASES))
        share = account.share(covered)
        if share < LEAST_SHARE:
            return None
        total_ns = sum(covered.values())
        evidence = [Evidence("time outside of operators", total_ns / 1e6, "ms per step", "1")]
        lines: dict[str, float] = {}
        recorded = [
            outside
            for outside in signals.view.operators.outside
            if not any(LOADER in frame.file for frame in outside.frames)
        ]
        recorded_ns = sum(outside.ns_per_step for outside in recorded)
        scale = min(1.0, total_ns / recorded_ns) if recorded_ns else 1.0  # profiled steps take longer than plain ones
        for outside in recorded:
            own = next((frame for frame in reversed(outside.frames) if not is_library(frame.file)), None)
            line = signals.line(own)
            if line:
                lines[line] = lines.get(line, 0.0) + outside.ns_per_step * scale
        heaviest = sorted(lines.items(), key=lambda item: -item[1])[:3]
        evidence += [
            Evidence(f"outside of operators at {line}", ns / 1e6, "ms per step", line) for line, ns in heaviest
        ]
        at = mostly_at(heaviest[0][0], heaviest[0][1] / total_ns) if heaviest else ""
        one_line = bool(heaviest) and heaviest[0][1] > ONE_LINE * sum(lines.values())
        remedy = (
            Remedy(change=f"See what {heaviest[0][0]} does apart from operators.") if one_line else Remedy(("compile",))
        )
        return Finding(
            self.name, f"In {units.share(share)} of the step, no operator runs{at}", tuple(evidence), remedy, covered
        )


def _recorded(signals: Signals, rest: Covered) -> Covered:
    """The rest of some phases, as far as windows have recorded time outside of operators, too.

    They may be from a time when steps were shorter, and then the rest of today's phases has other reasons.
    """
    recorded_ns = sum(one.ns_per_step for one in signals.view.operators.outside)
    whole_ns = sum(time_ns for part, time_ns in signals.account.parts.items() if part.operator is None)
    fraction = min(1.0, recorded_ns / whole_ns) if recorded_ns and whole_ns else 1.0
    return {part: time_ns * fraction for part, time_ns in rest.items()}
