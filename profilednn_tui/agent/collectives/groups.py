"""The program's process groups, and how many collectives there were in each, as its backend counts them.

No hook of ours is called when a collective begins: that would cost 20 us each on the training thread, run our code in
the middle of a backward pass, and could not be removed safely while another thread begins one.
"""

from __future__ import annotations

import os
import sys
import time
import weakref
from typing import Any, Callable

from ...protocol.events import GroupEvent
from .job import job_names

MOST_GROUPS = 16
"""Of which collectives are counted; a training rarely has more than four."""
MOST_RANKS = 4_096
"""Per group, in its event."""
_BOOT = "/proc/sys/kernel/random/boot_id"
_NAMESPACE = "/proc/self/ns/time"


class Group:
    """A process group of which this process is a rank."""

    __slots__ = ("number", "reference", "told")

    def __init__(self, process_group: Any, number: int) -> None:
        self.reference = weakref.ref(process_group)  # the program may destroy it at any time
        self.number = number
        """Among the groups of this process, from 0."""
        self.told = self.count()
        """How many collectives there were when a wait was told of last."""

    def count(self) -> int | None:
        """How many there were, the same on all ranks; None if the backend does not count them."""
        try:
            process_group = self.reference()
            return None if process_group is None else process_group._get_sequence_number_for_group()
        except (AttributeError, RuntimeError):
            return None


class Groups:
    """All groups that there are."""

    def __init__(self, torch: Any, report: Callable[[Any], None]) -> None:
        self._torch = torch
        self._report = report
        self._known: dict[tuple[str, int], Group] = {}
        """By name and ``id`` of the process group."""
        self._numbered = 0

    def __len__(self) -> int:
        return len(self._known)

    def look(self) -> None:
        """Find new groups, and forget those that the program has destroyed."""
        there = _groups_of(self._torch)
        for key in [key for key, group in self._known.items() if group.reference() is not there.get(key)]:
            del self._known[key]
        for key in sorted(there.keys() - self._known.keys()):
            if len(self._known) < MOST_GROUPS:
                self._add(key, there[key])

    def counts(self) -> dict[int, int]:
        """How many collectives there were in each, by its number; -1 if its backend does not count them."""
        counted = ((group.number, group.count()) for group in self._known.values())
        return {number: -1 if count is None else count for number, count in counted}

    def newest(self) -> tuple[int, int, bool] | None:
        """A group, its count, and whether it had a collective since the last call; None if nothing is counted."""
        found = None
        for group in self._known.values():
            count = group.count()
            if count is not None and count != group.told:
                group.told = count
                return group.number, count, True
            if count is not None and found is None:
                found = group.number, count, False
        return found

    def _add(self, key: tuple[str, int], process_group: Any) -> None:
        group = self._known[key] = Group(process_group, self._numbered)
        self._numbered += 1
        distributed = self._torch.distributed
        self._report(
            GroupEvent(
                number=group.number,
                name=key[0],
                ranks=list(distributed.get_process_group_ranks(process_group))[:MOST_RANKS],
                backend=str(distributed.get_backend(process_group)),
                counted=group.told is not None,
                host=os.uname().nodename,
                clock=clock_name(),
                unix_ns=time.time_ns(),
                clock_ns=time.perf_counter_ns(),
                job=job_names(distributed),
            )
        )


def _groups_of(torch: Any) -> dict[tuple[str, int], Any]:
    """The process groups by name and ``id``; empty as long as torch.distributed is not initialized."""
    c10d: Any = sys.modules.get("torch.distributed.distributed_c10d")
    world = getattr(c10d, "_world", None)
    if world is None or not torch.distributed.is_initialized():
        return {}
    absent = getattr(getattr(c10d, "GroupMember", None), "NON_GROUP_MEMBER", None)
    return {(str(name), id(group)): group for group, name in dict(world.pg_names).items() if group is not absent}


def clock_name() -> str:
    """Names the clock of `time.perf_counter_ns`, which all processes of a machine share until it restarts, except
    those in another time namespace."""
    try:
        with open(_BOOT) as stream:
            boot = stream.read().strip()
    except OSError:
        return ""
    try:
        return f"{boot} {os.readlink(_NAMESPACE)}"
    except OSError:  # the kernel has no such namespaces
        return boot
