"""What the training thread waits for at its DataLoaders: shared by the rules about data and about workers.

The data phase has two parts: starting workers anew, with the first batch of each iteration and the end of the workers,
belongs to ``loader-workers``; waiting in between belongs to ``data-wait``, unless a fault in how workers are set up
explains it, which ``loader-workers`` then names.
"""

from __future__ import annotations

from profilednn_tui import units
from profilednn_tui.advise.account import Covered
from profilednn_tui.advise.findings import Evidence, Remedy
from profilednn_tui.advise.rule import Signals
from profilednn_tui.session.frames import call_site
from profilednn_tui.session.view import Loader, Thread, Worker

LEAST_SHARE = 0.05
OPTIMIZATION = "loader"
QUICK_MS = 2.0
"""A batch that takes less is not prepared by workers of the optimization: handing it over would take as long."""
ROLE = "DataLoader worker"
FEWEST_STARTS = 3
BUSY_PERCENT = 5.0
"""CPU use from which a worker's additional thread counts as computing."""


def workers_of(signals: Signals) -> list[Worker]:
    """The DataLoader workers that are running."""
    return [worker for worker in signals.view.workers if worker.role == ROLE]


def restarted(signals: Signals) -> list[Loader]:
    """The loaders whose workers are started anew for each iteration, most time first."""
    found = [loader for loader in signals.view.loaders if loader.workers and loader.starts >= FEWEST_STARTS]
    return sorted(found, key=lambda loader: -loader.around_ns)


def anew(signals: Signals) -> Covered:
    """The part of the data phase that starting workers anew takes; the first start of each loader is not counted."""
    spent_ns = sum(loader.around_ns + loader.wait_ns for loader in signals.view.loaders)
    again_ns = sum(loader.around_ns * (loader.starts - 1) / loader.iterators for loader in restarted(signals))
    return signals.account.of_phase("data", again_ns / spent_ns if spent_ns else 0.0)


def in_between(signals: Signals) -> Covered:
    """The rest of the data phase."""
    whole = signals.account.of_phase("data")
    taken = anew(signals)
    return {part: time_ns - taken.get(part, 0.0) for part, time_ns in whole.items()}


def fault(signals: Signals) -> tuple[str, str, list[Evidence]] | None:
    """Why running workers cannot keep up, if it is in how they are set up: a clause, the change, and the evidence."""
    workers = workers_of(signals)
    return _pinned(signals, workers) or _crowded(signals, workers) or (_threaded(signals, workers) if workers else None)


def standing(signals: Signals) -> list[Evidence]:
    """Where workers were when their stacks were last sampled."""
    found = []
    workers = {worker.pid for worker in workers_of(signals)}
    for thread in signals.view.stacks.threads:
        frame = call_site(thread.frames) if thread.pid in workers and thread.tid == thread.pid else None
        if frame is not None and frame.line:
            line = signals.line(frame)
            found.append(Evidence(f"DataLoader worker {thread.pid} is at {line} in {frame.function}", 1, "stack", line))
    return found[:4]


def use(signals: Signals) -> list[Evidence]:
    """The CPU use of workers."""
    return [
        Evidence(f"CPU use of DataLoader worker {worker.pid}", worker.cpu_percent, "percent", "4")
        for worker in workers_of(signals)[:4]
    ]


def remedy(signals: Signals, change: str, loader: Loader | None) -> Remedy:
    """The optimization, unless it cannot help with this loader; else a change of the script."""
    return Remedy(() if loader is not None and loader.iterable else (OPTIMIZATION,), change=change)


def plural(count: int) -> str:
    """``1 DataLoader worker``, ``2 DataLoader workers``."""
    return units.counted(count, "DataLoader worker")


def _pinned(signals: Signals, workers: list[Worker]) -> tuple[str, str, list[Evidence]] | None:
    pids = {worker.pid for worker in workers}
    allowed = [worker.cpus for worker in workers if worker.cpus]
    used = {thread.core for thread in signals.view.threads if thread.pid in pids and thread.tid == thread.pid}
    cores = signals.usable_cores
    if len(allowed) < 2 or set(allowed) != {1} or len(used) != 1 or cores is None or cores < 2:
        return None
    evidence = [
        Evidence("cores that each worker may run on", 1, "cores", "4"),
        Evidence("the core that all of them run on", used.pop(), "core", "3"),
    ]
    return (
        f"{plural(len(workers))} share one core, to which they are pinned",
        "Let workers run on all cores: see what pins the process (taskset, os.sched_setaffinity, GOMP_CPU_AFFINITY, "
        "KMP_AFFINITY), or call os.sched_setaffinity in worker_init_fn.",
        evidence,
    )


def _crowded(signals: Signals, workers: list[Worker]) -> tuple[str, str, list[Evidence]] | None:
    # Those of a training that has ended are gone; the loader that is waited for most tells how many it had.
    slowest = max(signals.view.loaders, key=lambda loader: loader.wait_ns + loader.around_ns, default=None)
    count = len(workers) or (slowest.workers if slowest else 0)
    cores = signals.usable_cores
    if cores is None or count <= cores:
        return None
    shared = units.counted(max(1, int(cores)), "core")
    return (
        f"{plural(count)} share {shared} with the training",
        f"Try fewer workers, such as DataLoader(..., num_workers={max(1, int(cores) - 1)}): an experiment decides.",
        [
            Evidence("DataLoader workers", count, "workers", "4"),
            Evidence("cores that affinity and quota leave", cores, "cores", "3"),
        ],
    )


def _threaded(signals: Signals, workers: list[Worker]) -> tuple[str, str, list[Evidence]] | None:
    pids = {worker.pid for worker in workers}
    extra = [thread for thread in signals.view.threads if thread.pid in pids and _computes(thread)]
    cores = signals.usable_cores
    if len(extra) < len(workers) or cores is None or len(extra) + len(workers) <= cores:
        return None
    each = round(len(extra) / len(workers)) + 1
    return (
        f"each of {plural(len(workers))} computes in {units.count(each)} threads, on {units.count(int(cores))} cores",
        "Limit the threads of the libraries that workers call, in worker_init_fn: cv2.setNumThreads(0), or "
        "threadpoolctl.threadpool_limits(1).",
        [Evidence("additional threads of workers that compute", len(extra), "threads", "4")],
    )


def _computes(thread: Thread) -> bool:
    return thread.tid != thread.pid and thread.cpu_percent >= BUSY_PERCENT and not thread.name.startswith("QueueFeeder")
