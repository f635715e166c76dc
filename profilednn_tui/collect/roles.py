"""The role of each process and thread of the target."""

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
"""Least CPU time of a thread in an OpenMP team, as a fraction of its creator's."""

_WORKER_NAME = "pt_data_worker"
"""The name torch gives DataLoader workers since 2.6; older ones are recognized by their command line."""

_ROLE_OF_NAME = (
    ("profilednn", AGENT),
    ("pt_autograd", AUTOGRAD),
    (_WORKER_NAME, DATALOADER_WORKER),
    ("pt_data_pin", DATALOADER_THREAD),
    ("QueueFeeder", DATALOADER_THREAD),
)
"""Prefixes of the thread names set by torch, Python (since 3.14) and our agent."""


def process_role(now: Sample, process: ProcessUse) -> str:
    """The role of a process: ``main``, ``rank N``, ``DataLoader worker`` or ``other``."""
    if process.pid == now.main_pid:
        return MAIN
    rank = now.agents.get(process.pid)
    if rank is not None:
        return f"rank {rank}"
    return DATALOADER_WORKER if _is_worker(now, process) else OTHER


def thread_roles(now: Sample, process: ProcessUse) -> dict[int, str]:
    """The role of each thread of a process, by thread ID."""
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
    """The role of a thread that has only inherited its creator's name."""
    if role == DATALOADER_WORKER:  # torch gives it one thread and so no team; the others feed its queues
        return DATALOADER_THREAD
    # A team is created by whichever thread runs the operators, and each of its threads works about as much as that one.
    # A helper thread of Python has the same name but hardly works.
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
