"""The logical CPUs that the computing threads of each training process may run on."""

from __future__ import annotations

import os

from profilednn_tui.collect.roles import MAIN, OPENMP, thread_roles
from profilednn_tui.collect.sample import Sample
from profilednn_tui.protocol.events import AffinityEvent

COMPUTING = (MAIN, OPENMP)
"""An OpenMP runtime that pins its threads gives each of them a CPU of its own, and the main thread the first one."""


class AffinityReader:
    """Tells only what has changed: CPUs are mostly chosen once."""

    def __init__(self) -> None:
        self._known: dict[int, list[int]] = {}
        """By pid, as last told."""

    def look(self, now: Sample) -> list[AffinityEvent]:
        """The CPUs of the processes with an agent whose CPUs are not those last told."""
        events = []
        for pid in now.agents.keys() & now.tree.processes.keys():
            roles = thread_roles(now, now.tree.processes[pid])
            cpus = sorted(set().union(*(_cpus(tid) for tid, role in roles.items() if role in COMPUTING)))
            if cpus and cpus != self._known.get(pid):
                self._known[pid] = cpus
                events.append(AffinityEvent(now.unix_ns, pid, cpus))
        return events


def _cpus(tid: int) -> set[int]:
    try:
        return os.sched_getaffinity(tid)
    except OSError:  # the thread has ended
        return set()
