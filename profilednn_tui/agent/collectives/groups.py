"""The program's process groups, and the moments at which this rank enters a collective of one.

torch 2.14 and newer call a hook before each collective, whatever the backend and whoever asks for it: DDP's reducer,
FSDP, functional collectives, or the program by hand. Groups that are created later are found at the next look.
"""

from __future__ import annotations

import os
import sys
import time
import weakref
from _thread import get_ident
from collections import deque
from typing import Any, Callable

from ...protocol.events import GroupEvent
from ..isolation.guard import Guard
from ..steps.timeline import Timeline
from .waiting import AfterBackward

HOOK = 0x70646E6E
"""Our number among the hooks of a group."""
LOOKS = 64
"""After so many looks, groups are compared one by one, though their number has not changed."""
MOST_GROUPS = 64
MOST_RANKS = 4_096
"""Per group, in its event."""
_BOOT = "/proc/sys/kernel/random/boot_id"


class Group:
    """A process group of which this process is a rank."""

    __slots__ = ("_reference", "collectives", "number")

    def __init__(self, process_group: Any, number: int) -> None:
        self._reference = weakref.ref(process_group)  # the program may destroy it at any time
        self.number = number
        """Among the groups of this process, from 0."""
        self.collectives = 0
        """How many there have been, so that all ranks number them alike."""

    def count(self) -> int | None:
        """How many there were, as the backend counts them; None if it does not."""
        try:
            process_group = self._reference()
            return None if process_group is None else process_group._get_sequence_number_for_group()
        except (AttributeError, RuntimeError):
            return None


class Groups:
    """Hooks into all groups that there are."""

    def __init__(
        self,
        torch: Any,
        timeline: Timeline,
        guard: Guard,
        entered: deque[tuple[int, int, int]],
        after_backward: AfterBackward,
        report: Callable[[Any], None],
    ) -> None:
        """Number of the group, number of the collective and the time are appended to `entered`."""
        self._torch = torch
        self._timeline = timeline
        self._guard = guard
        self._entered = entered
        self._after_backward = after_backward
        self._report = report
        self._known: dict[tuple[str, int], Group] = {}
        """By name and ``id`` of the process group."""
        self.of_number: dict[int, Group] = {}
        self._numbered = self._count = self._looks = 0
        self.can_be_hooked = True
        """Whether torch calls hooks before the collectives of all groups."""
        self.hooked = True
        """Whether it does now."""
        self.counted = True
        """Whether all groups count their collectives."""

    def __len__(self) -> int:
        return len(self._known)

    def look(self) -> None:
        """Hook into new groups, and forget those that the program has destroyed."""
        self._looks += 1
        if _count_groups() == self._count and self._looks % LOOKS:
            return
        there = _groups_of(self._torch)
        self._count = len(there)
        if there.keys() == self._known.keys():
            return
        for key in self._known.keys() - there.keys():
            del self.of_number[self._known.pop(key).number]
        for key in there.keys() - self._known.keys():
            group = self._known[key] = Group(there[key], self._numbered)
            self.of_number[self._numbered] = group
            self._numbered += 1
            if self._numbered <= MOST_GROUPS:
                self._hook(group, there[key], key[0])

    def unhook(self) -> None:
        """Remove all hooks; while a collective begins, that would pull the hook from under torch."""
        for key, process_group in _groups_of(self._torch).items():
            if key in self._known and hasattr(process_group, "unregister_pre_hook"):
                process_group.unregister_pre_hook(HOOK)
        self.hooked = False

    def remove(self) -> None:
        """Remove all hooks, as `unhook` does, and forget the groups."""
        self.unhook()
        self._known.clear()
        self.of_number.clear()

    def _hook(self, group: Group, process_group: Any, name: str) -> None:
        hooked = hasattr(process_group, "register_pre_hook")
        so_far = group.count()
        self.can_be_hooked &= hooked
        self.hooked = self.can_be_hooked
        self.counted &= so_far is not None
        group.collectives = so_far or 0
        distributed = self._torch.distributed
        ranks = list(distributed.get_process_group_ranks(process_group))[:MOST_RANKS]
        if hooked:
            process_group.register_pre_hook(HOOK, self._before_collectives(group))
        self._report(
            GroupEvent(
                number=group.number,
                name=name,
                ranks=ranks,
                backend=str(distributed.get_backend(process_group)),
                hooked=hooked,
                host=os.uname().nodename,
                clock=_clock(),
                unix_ns=time.time_ns(),
            )
        )

    def _before_collectives(self, group: Group) -> Callable[[Any], None]:
        append, now, timeline = self._entered.append, self._timeline.now, self._timeline
        after_backward, guard, number = self._after_backward, self._guard, group.number
        point_to_point = _point_to_point(self._torch)

        def before(arguments: Any) -> None:
            # Reading the name makes a member of an enumeration; only operations with a root can be between two ranks.
            if arguments.root >= 0 and arguments.name in point_to_point:
                return
            group.collectives = collective = group.collectives + 1
            if timeline.thread != get_ident():
                return
            append((number, collective, now()))
            if not after_backward.queued:
                try:
                    after_backward.expect()
                except Exception as error:  # noqa: BLE001 - the guard's error boundary, without the cost of a call
                    guard.failed("before_collective", error)

        return before


def _count_groups() -> int:
    world = getattr(sys.modules.get("torch.distributed.distributed_c10d"), "_world", None)
    return len(world.pg_names) if world is not None else 0


def _groups_of(torch: Any) -> dict[tuple[str, int], Any]:
    """The process groups by name and ``id``; empty as long as torch.distributed is not initialized."""
    c10d: Any = sys.modules.get("torch.distributed.distributed_c10d")
    world = getattr(c10d, "_world", None)
    if world is None or not torch.distributed.is_initialized():
        return {}
    absent = getattr(getattr(c10d, "GroupMember", None), "NON_GROUP_MEMBER", None)
    return {(str(name), id(group)): group for group, name in dict(world.pg_names).items() if group is not absent}


def _point_to_point(torch: Any) -> tuple[Any, ...]:
    names = torch._C._distributed_c10d.HookOpName
    return names.SEND, names.RECV


def _clock() -> str:
    """Names the clock of `time.perf_counter_ns`, which all processes of a machine share until it restarts."""
    try:
        with open(_BOOT) as stream:
            return stream.read().strip()
    except OSError:
        return ""
