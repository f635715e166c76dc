"""More computing threads than cores."""

from __future__ import annotations

from profilednn_tui import units
from profilednn_tui.advise.findings import Evidence, Finding, Remedy
from profilednn_tui.advise.rule import Signals, no_samples
from profilednn_tui.advise.rules._affinity import crowd
from profilednn_tui.session.view import SessionView

COMPUTING = ("main", "OpenMP", "autograd")
"""Roles of the threads that share an operator's work."""


class ThreadOversubscription:
    """Compares torch's threads, in all processes that train, with the cores that affinity and quota leave."""

    name = "thread-oversubscription"

    def missing(self, signals: Signals) -> str:
        if signals.view.target.intra_op_threads is None or signals.usable_cores is None:
            return "the number of threads or cores is not known"
        return no_samples(signals)

    def look(self, signals: Signals) -> Finding | None:
        threads, processes = signals.view.target.intra_op_threads or 1, signals.training_processes
        usable = max(1.0, signals.usable_cores or 1.0)
        cores = int(usable)
        together = threads * processes
        if together <= cores or crowd(signals) is not None:
            return None
        account = signals.account
        # Threads that wait for their turn on a core hold up the others at the end of each parallel operator.
        covered = account.where(
            lambda part: part.operator is not None or not account.has_operators, 1 - usable / together
        )
        share = account.share(covered)
        shared = units.counted(max(1, cores), "core")
        who = units.counted(threads, "thread")
        if processes > 1:
            each = f"{units.count(threads)} thread{'s' if threads > 1 else ''} each"
            who = f"{units.count(processes)} processes with {each}"
        quota = " (the CPU quota)" if signals.quota_counts else ""
        evidence = [
            Evidence("intra-op threads", threads, "threads", "9"),
            *([Evidence("processes that train", processes, "processes", "4")] if processes > 1 else []),
            Evidence("cores that affinity and quota leave", signals.usable_cores or 1, "cores", "3"),
            *involuntary(signals.view),
        ]
        return Finding(
            self.name,
            f"{who} share {shared}{quota}: threads may wait for each other in {units.share(share)} of the step",
            tuple(evidence),
            _remedy(threads, processes, cores),
            covered,
        )


def _remedy(threads: int, processes: int, cores: int) -> Remedy:
    if processes == 1:
        return Remedy(("threads",), {})
    if threads == 1:
        return Remedy(change="Start fewer processes, or give them more cores: each has a single thread already.")
    # The processes of a program may not know of each other; then a variable that all of them inherit helps.
    return Remedy((), {"OMP_NUM_THREADS": str(max(1, cores // processes))})


def involuntary(view: SessionView) -> list[Evidence]:
    """How often computing threads were taken off their core."""
    rate = sum(thread.involuntary_per_s for thread in view.threads if thread.role in COMPUTING)
    return [Evidence("involuntary context switches of computing threads", rate, "per second", "4")] if rate else []
