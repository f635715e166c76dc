"""The program's process groups, and the moments at which this rank enters a collective of one.

torch 2.14 and newer call a hook before each collective, whatever the backend and whoever asks for it: DDP's reducer,
FSDP, functional collectives, or the program by hand. Groups that are created later are found at the next look.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any, Callable

from ...protocol.events import GroupEvent

HOOK = 0x70646E6E
"""Our number among the hooks of a group."""
MOST_GROUPS = 64
MOST_RANKS = 4_096
"""Per group, in its event."""
_BOOT = "/proc/sys/kernel/random/boot_id"


class Group:
    """A process group of which this process is a rank."""

    __slots__ = ("collectives", "number")

    def __init__(self, number: int) -> None:
        self.number = number
        """Among the groups of this process, from 0."""
        self.collectives = 0
        """How many there have been, so that all ranks number them alike."""


class Groups:
    """Hooks into all groups that there are, and holds none of them: the program may destroy them at any time."""

    def __init__(self, torch: Any, entered: Callable[[Group], None], report: Callable[[Any], None]) -> None:
        self._torch = torch
        self._entered = entered
        self._report = report
        self._known: dict[tuple[str, int], Group] = {}
        """By name and ``id`` of the process group."""
        self._numbered = 0
        self.hooked = True
        """Whether torch calls hooks before the collectives of all groups."""

    def __len__(self) -> int:
        return len(self._known)

    def look(self) -> None:
        """Hook into new groups, and forget those that the program has destroyed."""
        there = _groups_of(self._torch)
        if there.keys() == self._known.keys():
            return
        for key in self._known.keys() - there.keys():
            del self._known[key]
        for key in there.keys() - self._known.keys():
            group = self._known[key] = Group(self._numbered)
            self._numbered += 1
            if self._numbered <= MOST_GROUPS:
                self._hook(group, there[key], key[0])

    def remove(self) -> None:
        """Remove all hooks; while a collective begins, that would pull the hook from under torch."""
        for key, process_group in _groups_of(self._torch).items():
            if self._known.pop(key, None) is not None and hasattr(process_group, "unregister_pre_hook"):
                process_group.unregister_pre_hook(HOOK)
        self._known.clear()

    def _hook(self, group: Group, process_group: Any, name: str) -> None:
        hooked = hasattr(process_group, "register_pre_hook")
        self.hooked &= hooked
        group.collectives = _collectives_so_far(process_group)
        distributed = self._torch.distributed
        ranks = list(distributed.get_process_group_ranks(process_group))[:MOST_RANKS]
        if hooked:
            entered, point_to_point = self._entered, _point_to_point(self._torch)

            def hook(arguments: Any) -> None:
                if arguments.name not in point_to_point:
                    group.collectives += 1
                    entered(group)

            process_group.register_pre_hook(HOOK, hook)
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


def _groups_of(torch: Any) -> dict[tuple[str, int], Any]:
    """The process groups by name and ``id``; empty as long as torch.distributed is not initialized."""
    c10d: Any = sys.modules.get("torch.distributed.distributed_c10d")
    world = getattr(c10d, "_world", None)
    if world is None or not torch.distributed.is_initialized():
        return {}
    absent = getattr(getattr(c10d, "GroupMember", None), "NON_GROUP_MEMBER", None)
    return {(str(name), id(group)): group for group, name in dict(world.pg_names).items() if group is not absent}


def _collectives_so_far(process_group: Any) -> int:
    """As the backend counts them, for a process in which we arrive late; 0 if it does not."""
    try:
        return int(process_group._get_sequence_number_for_group())
    except (AttributeError, RuntimeError):
        return 0


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
