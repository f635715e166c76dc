"""What each process and thread of the target is for."""

from __future__ import annotations

from profilednn_tui.collect import procfs
from profilednn_tui.collect.sample import Sample
from profilednn_tui.collect.tree import ProcessUse, ThreadUse

AGENT = "agent"
AUTOGRAD = "autograd"
DATALOADER_THREAD = "DataLoader thread"
DATALOADER_WORKER = "DataLoader worker"
MAIN = "main"
OPENMP = "OpenMP"
OTHER = "other"

TEAM_SHARE = 0.05
"""Of its creator's CPU time: what a thread of an OpenMP team has used at least."""

_WORKER_NAME = "pt_data_worker"
"""What torch calls a DataLoader worker since 2.6; older ones are known by their command line."""

_ROLE_OF_NAME = (
    ("profilednn", AGENT),
    ("pt_autograd", AUTOGRAD),
    (_WORKER_NAME, DATALOADER_WORKER),
    ("pt_data_pin", DATALOADER_THREAD),
    ("QueueFeeder", DATALOADER_THREAD),
)
"""Beginnings of the names that torch, Python (since 3.14) and our agent give to threads."""


def process_role(now: Sample, process: ProcessUse) -> str:
    """What a process is for: ``main``, ``rank N``, ``DataLoader worker`` or ``other``."""
    if process.pid == now.main_pid:
        return MAIN
    rank = now.agents.get(process.pid)
    if rank is not None:
        return f"rank {rank}"
    return DATALOADER_WORKER if _is_worker(now, process) else OTHER


def thread_roles(now: Sample, process: ProcessUse) -> dict[int, str]:
    """What each thread of a process is for, by tid."""
    role = process_role(now, process)
    eldest: dict[str, int] = {}
    for tid, thread in process.threads.items():
        eldest[thread.stat.name] = min(tid, eldest.get(thread.stat.name, tid))
    roles: dict[int, str] = {}
    for tid, thread in process.threads.items():
        if tid == process.pid:
            roles[tid] = MAIN if process.pid in now.agents or role == MAIN else role
        elif eldest[thread.stat.name] == tid:
            roles[tid] = _role_of_name(thread.stat.name)
        else:
            roles[tid] = _heir_role(role, thread, process.threads[eldest[thread.stat.name]])
    return roles


def _heir_role(role: str, thread: ThreadUse, creator: ThreadUse) -> str:
    """A thread that nobody named has the name of its creator."""
    if role == DATALOADER_WORKER:  # it has no team, torch gives it one thread; what it has are feeders of its queues
        return DATALOADER_THREAD
    # A team is made by whichever thread runs the operators, and each of its threads works about as much as that one.
    # A helper thread of Python's has the same name and hardly works.
    return OPENMP if thread.stat.cpu_ticks >= max(1, TEAM_SHARE * creator.stat.cpu_ticks) else OTHER


def _role_of_name(name: str) -> str:
    return next((role for start, role in _ROLE_OF_NAME if name.startswith(start)), OTHER)


def _is_worker(now: Sample, process: ProcessUse) -> bool:
    if process.stat.name == _WORKER_NAME:
        return True
    parent = now.tree.processes.get(process.stat.parent_pid)
    if parent is None or parent.pid not in now.agents or process.pid in now.agents:
        return False
    command = procfs.read(f"/proc/{process.pid}/cmdline")
    forked = command == procfs.read(f"/proc/{parent.pid}/cmdline")
    return bool(command) and (forked or b"multiprocessing.spawn" in command)
