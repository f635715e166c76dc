"""The processes a PID may stand for: those with torch, on this machine or below one process."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from profilednn_tui.attach.process_facts import command_line, is_training_candidate
from profilednn_tui.collect import procfs
from profilednn_tui.collect.tree import TreeReader
from profilednn_tui.ranks.launchers import launcher_of

_WORKER_NAME = "pt_data_worker"
_GROUP_THREAD = b"pt_gloo_runloop"
"""Of the threads that torch starts in each process of a gloo group; a forked child does not inherit them."""
_SPAWNED = "--multiprocessing-fork"
"""The last word of processes that multiprocessing has started anew."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A process that may be training."""

    pid: int
    argv: tuple[str, ...]
    rank: int | None = None
    age_s: float = 0.0
    parent_pid: int = 0
    in_group: bool = False
    """Whether it is known to be in a process group."""

    @property
    def launcher(self) -> bool:
        """Whether it only starts other processes."""
        return any(launcher_of(self.argv[begin:]) for begin in (0, 1))

    @property
    def spawned(self) -> bool:
        """Whether its parent has started it as a rank, as `torch.multiprocessing` does, anew or by forking."""
        return _SPAWNED in self.argv or self.in_group


def all_candidates() -> tuple[Candidate, ...]:
    """All candidates on this machine that we may inspect, by rank, then PID."""
    pids = (int(name) for name in procfs.names("/proc") if name.isdecimal())
    return _candidates(pid for pid in pids if pid != os.getpid())


def candidates_below(pid: int) -> tuple[Candidate, ...]:
    """The process and its descendants that have torch and are not DataLoader workers."""
    return _candidates(TreeReader(pid).read().processes)


@dataclass(frozen=True, slots=True)
class Meant:
    """The processes a PID stands for."""

    candidates: tuple[Candidate, ...]
    belong_together: bool
    """Whether they are one training run; otherwise the user must choose one, because a process is never guessed."""


def meant_by(pid: int, candidates: tuple[Candidate, ...]) -> Meant:
    """The ranks that the process has spawned, or itself if it trains, otherwise the ranks of one training run or the
    only trainer below it."""
    trainers = tuple(candidate for candidate in candidates if not candidate.launcher)
    spawned = tuple(candidate for candidate in trainers if candidate.spawned and candidate.parent_pid == pid)
    if len(spawned) > 1:
        return Meant(spawned, belong_together=True)
    itself = tuple(candidate for candidate in trainers if candidate.pid == pid)
    if itself:
        return Meant(itself, belong_together=True)
    ranks = [candidate.rank for candidate in trainers]
    distinct = None not in ranks and len(set(ranks)) == len(ranks)
    return Meant(trainers, belong_together=len(trainers) <= 1 or distinct)


def _candidates(pids: Iterable[int]) -> tuple[Candidate, ...]:
    found = {pid: candidate for pid in pids if (candidate := _candidate(pid)) is not None}
    return tuple(sorted(_without_workers(found), key=lambda candidate: (candidate.rank or 0, candidate.pid)))


def _candidate(pid: int) -> Candidate | None:
    stat = procfs.process(pid)
    if stat is None or stat.state in "ZX" or stat.name == _WORKER_NAME or not is_training_candidate(pid):
        return None
    up_s = float(procfs.read("/proc/uptime").split()[0])
    age_s = max(0.0, up_s - stat.start_ticks / procfs.TICKS_PER_S)
    return Candidate(pid, command_line(pid), _rank(pid), age_s, stat.parent_pid, _is_in_group(pid))


def _without_workers(found: dict[int, Candidate]) -> Iterator[Candidate]:
    """Drop DataLoader workers: forked children with the command line of their parent, and in no group."""
    for pid, candidate in found.items():
        stat = procfs.process(pid)
        parent = found.get(stat.parent_pid) if stat is not None else None
        if parent is None or parent.argv != candidate.argv or candidate.in_group:
            yield candidate


def _is_in_group(pid: int) -> bool:
    threads = (procfs.read(f"/proc/{pid}/task/{thread}/comm").strip() for thread in procfs.names(f"/proc/{pid}/task"))
    return _GROUP_THREAD in threads


def _rank(pid: int) -> int | None:
    for entry in procfs.read(f"/proc/{pid}/environ").split(b"\0"):
        if entry.startswith(b"RANK=") and entry[5:].isdigit():
            return int(entry[5:])
    return None
