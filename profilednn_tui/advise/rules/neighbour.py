"""Other processes use the target's cores."""

from __future__ import annotations

from profilednn_tui import units
from profilednn_tui.advise.findings import Evidence, Finding, Remedy
from profilednn_tui.advise.rule import Signals, no_samples
from profilednn_tui.session.view import Cores

LEAST_SHARE = 0.1
"""Of the cores that the target may use."""


class Neighbour:
    """Compares the use of the cores by others with what the target may use."""

    name = "neighbour"

    def missing(self, signals: Signals) -> str:
        return no_samples(signals)

    def look(self, signals: Signals) -> Finding | None:
        cores = signals.view.cores
        allowed = sum(core.allowed for core in cores.cores) or 1
        others = _others_percent(cores)
        if others / 100 / allowed < LEAST_SHARE:
            return None
        # Others cost the target what its threads would have used and did not get, while operators run.
        threads = min(allowed, signals.view.target.intra_op_threads or 1)
        missed = max(0.0, min(others, 100.0 * threads - (cores.mean_target_percent or 0.0))) / 100 / threads
        covered = signals.account.where(
            lambda part: part.operator is not None or not signals.account.has_operators, missed
        )
        return Finding(
            self.name,
            f"Other processes use {units.percent(others)} of one core, out of {units.count(allowed)} that the target "
            "may use",
            (
                Evidence("use of the cores by others", others, "percent of one core", "3"),
                Evidence(
                    "use of the cores by the target", cores.mean_target_percent or 0.0, "percent of one core", "3"
                ),
            ),
            Remedy(change="Wait until the machine is quiet, or give the training cores of its own (taskset, cpusets)."),
            covered,
        )


def _others_percent(cores: Cores) -> float:
    """The use by others of the cores that the target may use: what runs elsewhere is no neighbour."""
    others = cores.mean_others_percent or 0.0
    allowed = [busy for core, busy in zip(cores.cores, cores.mean_percent, strict=False) if core.allowed]
    return min(others, max(0.0, sum(allowed) - (cores.mean_target_percent or 0.0))) if allowed else others
