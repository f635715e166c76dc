"""The training thread waits for its DataLoader."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

from profilednn_tui import units
from profilednn_tui.advise.account import Covered
from profilednn_tui.advise.findings import Evidence, Finding, Remedy
from profilednn_tui.advise.rule import Signals, no_steps
from profilednn_tui.advise.rules import _loaders
from profilednn_tui.session.view import Loader

_SINGLE_PROCESS = "_SingleProcessDataLoaderIter"
_LOADER = "enumerate(DataLoader)#"


class DataWait:
    """Compares the data phase with the step, less what ``loader-workers`` explains."""

    name = "data-wait"

    def missing(self, signals: Signals) -> str:
        return no_steps(signals)

    def look(self, signals: Signals) -> Finding | None:
        covered = _loaders.in_between(signals)
        share = signals.account.share(covered)
        if share < _loaders.LEAST_SHARE or _loaders.fault(signals) is not None:
            return None
        slowest = max(signals.view.loaders, key=lambda loader: loader.wait_ns + loader.around_ns, default=None)
        line, alone = _line(signals, slowest), _alone(signals, slowest)
        where = f" ({line})" if line else ""
        spent_ms = _mean_ms(signals, covered)
        evidence = [Evidence("time in the data phase", spent_ms, "ms per step, on average", line or "1")]
        each_ms: float | None = None
        if slowest is not None and slowest.batches:
            each_ms = (slowest.wait_ns + slowest.first_ns) / slowest.batches / 1e6
            evidence.append(Evidence(f"mean wait for a batch of {slowest.dataset}", each_ms, "ms", line or "1"))
        if alone and each_ms is not None and each_ms < _loaders.QUICK_MS:
            how = "it prepares every batch itself, sample by sample"
            remedy = Remedy(
                change="Workers would take as long to hand over such small batches: fetch whole batches at once, by "
                f"slicing tensors or with __getitems__{where}."
            )
        elif alone:
            how = "it prepares every batch itself, for lack of DataLoader workers"
            change = (
                f"Prepare batches in other processes: DataLoader(..., num_workers=N){where}, with N from an experiment."
            )
            remedy = _loaders.remedy(signals, change, slowest)
            if remedy.optimizations:
                covered, beside = _beside_computing(signals, covered)
                evidence += beside
                remedy = replace(remedy, environment=_threads_beside(signals, share))
        else:
            how = _how(slowest.workers if slowest else len(_loaders.workers_of(signals)))
            evidence += [*_loaders.use(signals), *_loaders.standing(signals)]
            advice = f"Give the DataLoader more workers, or less to do per sample{where}"
            remedy = Remedy(change=f"{advice}: Enter on a worker shows where it is.")
        sentence = f"The training thread waits for data in {units.share(share)} of the step: {how}"
        return Finding(self.name, sentence, tuple(evidence), remedy, covered)


def _mean_ms(signals: Signals, covered: Covered) -> float:
    """What a part of the data phase takes, averaged over steps; those that wait may be few, and the median without."""
    mean_ns = sum(phase.mean_ns for phase in signals.view.phases if phase.name == "data")
    whole_ns = sum(signals.account.of_phase("data").values())
    return mean_ns * sum(covered.values()) / whole_ns / 1e6 if whole_ns else 0.0


def _beside_computing(signals: Signals, covered: Covered) -> tuple[Covered, list[Evidence]]:
    """What can be won if workers do the same work on the cores that there are, and what that is known from."""
    stepping, cores, account = signals.view.memory.stepping, signals.usable_cores, signals.account
    waiting_ns = sum(covered.values())
    if stepping is None or cores is None or not waiting_ns:
        return covered, []
    used_percent = stepping.user_percent + stepping.system_percent
    threads = signals.view.target.intra_op_threads or 1
    # Threads that spin while they wait count as busy, so the work may be less than the use.
    work_ns = min(used_percent / 100 * account.step_ns, waiting_ns + threads * (account.step_ns - waiting_ns))
    fraction = min(1.0, max(0.0, account.step_ns - work_ns / cores) / waiting_ns)
    evidence = Evidence(f"use of the {units.count(int(cores))} cores, which workers need, too", used_percent,
                        "percent of one core", "3")  # fmt: skip
    return {part: time_ns * fraction for part, time_ns in covered.items()}, [evidence]


def _threads_beside(signals: Signals, share: float) -> dict[str, str]:
    """The number of threads that leaves cores to workers, if there is none left."""
    threads, cores = signals.view.target.intra_op_threads, signals.usable_cores
    if threads is None or cores is None or threads < int(cores) or cores < 2:
        return {}
    workers = ceil(share / max(1 - share, 0.01))
    return {"OMP_NUM_THREADS": str(max(1, int(cores) - workers))}


def _line(signals: Signals, loader: Loader | None) -> str:
    """The line of the loop."""
    rows = signals.operators(lambda row: row.key.name.startswith(_LOADER))
    place = signals.place(rows[0]) if rows else ""
    return place or (signals.line(loader.source) if loader is not None else "")


def _alone(signals: Signals, loader: Loader | None) -> bool:
    if loader is not None:
        return not loader.workers
    rows = signals.operators(lambda row: row.key.name.startswith(_LOADER))
    return any(_SINGLE_PROCESS in row.key.name for row in rows) or (not rows and not _loaders.workers_of(signals))


def _how(workers: int) -> str:
    if not workers:
        return "its DataLoader workers do not keep up, or are started anew too often"
    return f"{_loaders.plural(workers)} {'does' if workers == 1 else 'do'} not keep up"
