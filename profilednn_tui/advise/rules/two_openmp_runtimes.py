"""Two OpenMP runtimes in one process, each with threads of its own."""

from __future__ import annotations

from pathlib import PurePosixPath

from profilednn_tui import units
from profilednn_tui.advise.account import NOTHING
from profilednn_tui.advise.findings import Evidence, Finding, Remedy
from profilednn_tui.advise.rule import Signals, no_steps
from profilednn_tui.advise.rules.thread_oversubscription import COMPUTING, involuntary

LEAST_USE_PERCENT = 5.0
"""Of one core: a thread with less waits for work, and takes no core from others."""


class TwoOpenMPRuntimes:
    """Reads the process's memory map, and counts the threads that compute."""

    name = "two-openmp-runtimes"

    def missing(self, signals: Signals) -> str:
        if signals.view.openmp_runtimes is None:
            return "the libraries of the training process were not looked up"
        return no_steps(signals) or ("" if signals.usable_cores is not None else "the number of cores is not known")

    def look(self, signals: Signals) -> Finding | None:
        view, account = signals.view, signals.account
        runtimes = view.openmp_runtimes or ()
        if len(runtimes) < 2:
            return None
        own = [thread for thread in view.threads if thread.pid == view.target.pid and thread.role in COMPUTING]
        computing = sum(thread.cpu_percent >= LEAST_USE_PERCENT for thread in own)
        cores = max(1, int(signals.usable_cores or 1))
        threads = view.target.intra_op_threads or 1
        if max(computing, threads) <= cores:
            return None
        # Too many threads of torch alone are the time of thread-oversubscription.
        covered = NOTHING
        if threads <= cores:
            covered = account.where(
                lambda part: part.operator is not None or not account.has_operators, 1 - cores / computing
            )
        names = ", ".join(_short(path) for path in runtimes)
        shared = units.counted(max(1, cores), "core")
        who = (
            f"{units.count(computing)} computing threads" if computing > threads else f"torch's {threads} threads alone"
        )
        return Finding(
            self.name,
            f"{units.count(len(runtimes))} OpenMP runtimes are loaded, each with its own threads: {who} share {shared}",
            (
                Evidence(f"OpenMP runtimes loaded ({names})", len(runtimes), "runtimes", "9"),
                Evidence("computing threads", computing, "threads", "4"),
                Evidence("intra-op threads of torch", threads, "threads", "9"),
                *involuntary(view),
            ),
            Remedy(
                change="Let all packages share one: start Python with LD_PRELOAD set to the runtime that torch uses "
                f"({runtimes[0]}), or install torch and the others from one source, so that they bring one runtime."
            ),
            covered,
        )


def _short(path: str) -> str:
    """``torch/lib/libgomp.so.1``: the folders that tell whose it is."""
    return "/".join(PurePosixPath(path).parts[-3:])
