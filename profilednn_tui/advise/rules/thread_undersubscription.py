"""Fewer computing threads than cores, or an affinity that leaves the training a single core."""

from __future__ import annotations

from statistics import median

from profilednn_tui import units
from profilednn_tui.advise.findings import Evidence, Finding, Remedy
from profilednn_tui.advise.rule import Signals, no_operators, no_samples
from profilednn_tui.advise.rules._affinity import crowd
from profilednn_tui.session.view import Core, Operator

LEAST_IDLE_PERCENT = 50.0
"""Of one core: less is no room for another thread."""
LEAST_IDLE_OUTSIDE_PERCENT = 200.0
"""Of one core: what the cores outside of the affinity must leave unused to be worth asking for."""
SHORTEST_NS = 100_000
"""A call that is shorter gains nothing from another thread: torch does not divide it, or starting and waiting for the
thread takes a good part of it."""
LEAST_SHARE = 0.05


def _can_be_divided(row: Operator) -> bool:
    return row.self_ns_per_step >= SHORTEST_NS * row.calls_per_step


class ThreadUndersubscription:
    """Looks for physical cores that stay idle while operators that could be divided run on fewer threads."""

    name = "thread-undersubscription"

    def missing(self, signals: Signals) -> str:
        if signals.view.target.intra_op_threads is None or signals.usable_cores is None:
            return "the number of threads or cores is not known"
        return no_samples(signals) or no_operators(signals)

    def look(self, signals: Signals) -> Finding | None:
        usable = signals.usable_physical_cores or 1.0
        if crowd(signals) is not None:
            return None
        if (signals.allowed_cpus or 0) > 1 and usable >= 2:
            return self._few_threads(signals, usable)
        return self._one_core(signals) if not signals.quota_counts else None

    def _few_threads(self, signals: Signals, usable: float) -> Finding | None:
        view, account = signals.view, signals.account
        training = signals.training_processes
        threads, cores = view.target.intra_op_threads or 1, int(usable)
        idle = _usually_idle_percent(signals, usable)
        if threads * training >= cores or idle < LEAST_IDLE_PERCENT:
            return None
        covered = account.of_operators(signals.operators(_can_be_divided), 1 - threads * training / cores)
        share = account.share(covered)
        if share < LEAST_SHARE:
            return None
        per_process = max(1, cores // training)
        each = f" in each of {units.count(training)} processes" if training > 1 else ""
        return Finding(
            self.name,
            f"{units.counted(threads, 'intra-op thread')}{each} on {units.counted(cores, 'core')}"
            f"{_why(signals)}: {_idle_words(idle)} idle while operators run",
            (
                Evidence("intra-op threads", threads, "threads", "9"),
                Evidence("processes that train", training, "processes", "4"),
                Evidence("physical cores that affinity and quota leave", cores, "cores", "3"),
                Evidence("idle capacity", idle, "percent of one core", "3"),
                Evidence("operators' share of the step that more threads could shorten", 100 * share, "percent", "2"),
            ),
            Remedy((), {"OMP_NUM_THREADS": str(per_process)}),
            covered,
        )

    def _one_core(self, signals: Signals) -> Finding | None:
        """An affinity of one core on a machine with many idle ones, as job schedulers set it unless asked for more."""
        view, account = signals.view, signals.account
        machine = view.machine
        outside = [core for core in view.cores.cores if not signals.is_allowed(core)]
        idle = _idle_percent(outside)
        allowed = signals.allowed_cpus
        if idle < LEAST_IDLE_OUTSIDE_PERCENT or allowed is None or machine.cores is None:
            return None
        covered = account.where(lambda part: part.operator is not None, idle / (idle + 100))
        bound = "1 CPU" if allowed == 1 else f"{units.count(allowed)} CPUs of one core"
        return Finding(
            self.name,
            f"The training is bound to {bound} out of {units.count(machine.cores)} (its affinity), and most of the "
            "others are idle",
            (
                Evidence("CPUs that the affinity allows", allowed, "CPUs", "3"),
                Evidence("idle capacity of the others", idle, "percent of one core", "3"),
                Evidence("intra-op threads", view.target.intra_op_threads or 1, "threads", "9"),
            ),
            Remedy(
                change="Give the training more CPUs: srun --cpus-per-task=N in a SLURM job, a wider taskset or cpuset; "
                "torch then starts as many threads by itself."
            ),
            covered,
        )


def _why(signals: Signals) -> str:
    """Who has chosen a single thread, if that is known."""
    chosen = all(process.restarts is not None and process.omp_num_threads == 1 for process in signals.training)
    return " (torchrun sets OMP_NUM_THREADS=1 unless it is set)" if chosen and signals.training else ""


def _idle_words(percent: float) -> str:
    return f"{units.percent(percent)} of one core is" if percent < 200 else f"{units.count(percent // 100)} of them are"


def _idle_percent(cores: list[Core]) -> float:
    return sum(max(0.0, 100.0 - core.target - core.others - core.steal) for core in cores)


def _usually_idle_percent(signals: Signals, usable: float) -> float:
    """What most of the session leaves unused, in percent of one core: the newest sample may be of its end.

    Siblings of a busy core are idle, too, and beyond a quota nothing is: no more than the `usable` cores can be.
    """
    cores = signals.view.cores
    allowed = [core for core in cores.cores if signals.is_allowed(core)]
    used = [ours + others for ours, others in zip(cores.target_history, cores.others_history, strict=False)]
    if not used:
        return min(_idle_percent(allowed), 100 * usable - sum(core.target for core in allowed))
    return max(0.0, min(100.0 * len(allowed) - median(used), 100 * usable - median(cores.target_history)))
