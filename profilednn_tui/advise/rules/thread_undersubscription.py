"""Fewer intra-op threads than cores."""

from __future__ import annotations

from statistics import median

from profilednn_tui import units
from profilednn_tui.advise.findings import Evidence, Finding, Remedy
from profilednn_tui.advise.rule import Signals, no_operators, no_samples
from profilednn_tui.session.view import Cores, Operator

LEAST_IDLE_PERCENT = 50.0
"""Of one core: less is no room for another thread."""
SHORTEST_NS = 50_000
"""A call that is shorter gains nothing from another thread: torch does not divide it, or starting and waiting for the
thread takes a good part of it."""
LEAST_SHARE = 0.05


def _can_be_divided(row: Operator) -> bool:
    return row.self_ns_per_step >= SHORTEST_NS * row.calls_per_step


class ThreadUndersubscription:
    """Looks for cores that stay idle while operators that could be divided run on fewer threads."""

    name = "thread-undersubscription"

    def missing(self, signals: Signals) -> str:
        if signals.view.target.intra_op_threads is None or signals.usable_cores is None:
            return "the number of threads or cores is not known"
        return no_samples(signals) or no_operators(signals)

    def look(self, signals: Signals) -> Finding | None:
        view, account = signals.view, signals.account
        training = sum(not process.ended and process.steps > 0 for process in view.processes) or 1
        threads, cores = view.target.intra_op_threads or 1, int(signals.usable_cores or 1)
        idle = _idle_percent(view.cores)
        if threads * training >= cores or idle < LEAST_IDLE_PERCENT:
            return None
        covered = account.of_operators(signals.operators(_can_be_divided), 1 - threads * training / cores)
        share = account.share(covered)
        if share < LEAST_SHARE:
            return None
        per_process = max(1, cores // training)
        return Finding(
            self.name,
            f"{units.count(threads)} intra-op thread{'s' if threads > 1 else ''} on {units.count(cores)} cores: "
            f"{units.percent(idle)} of one core is idle while operators run",
            (
                Evidence("intra-op threads", threads, "threads", "9"),
                Evidence("processes that train", training, "processes", "4"),
                Evidence("cores that affinity and quota leave", cores, "cores", "3"),
                Evidence("idle capacity", idle, "percent of one core", "3"),
                Evidence("operators' share of the step that more threads could shorten", 100 * share, "percent", "2"),
            ),
            Remedy((), {"OMP_NUM_THREADS": str(per_process)}),
            covered,
        )


def _idle_percent(cores: Cores) -> float:
    """Unused capacity in most of the session, in percent of one core: the newest sample may be of its end."""
    allowed = 100.0 * sum(core.allowed for core in cores.cores)
    used = [ours + others for ours, others in zip(cores.target_history, cores.others_history, strict=False)]
    return max(0.0, allowed - median(used)) if used else cores.idle_percent or 0.0
