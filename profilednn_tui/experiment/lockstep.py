"""Runs targets in lockstep: they take turns, so that one trains while the others are stopped.

At a step boundary, a target announces the end of its turn and waits (`agent/steps/lockstep.py`). All of its processes,
including spinning threads and prefetching workers, are then stopped until its next turn. The first turn begins when
all targets have reached their first boundary.
"""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from profilednn_tui.protocol.files import TURN_BEGINS, TURN_ENDED

PIPES = (TURN_ENDED, TURN_BEGINS)
PIPE_MODE = 0o600


@dataclass(slots=True)
class LockstepMember:
    """One target."""

    folder: Path
    """The session folder, which has the two pipes."""
    ended: int
    """Descriptor on which the target announces the end of its turn."""
    begins: int | None
    """Descriptor on which the target is told that its turn begins; once it is closed, the target no longer waits."""
    group: int = 0
    """The target's process group; 0 until it has started."""
    waits: bool = False
    turns: int = 0

    def free(self) -> None:
        """Let the target run without waiting for turns."""
        if self.begins is not None:
            os.close(self.begins)
            self.begins = None

    def close(self) -> None:
        """Close and remove the pipes, so that no process waits on them."""
        self.free()
        os.close(self.ended)
        for name in PIPES:
            with suppress(OSError):
                (self.folder / name).unlink()


def make_member(folder: Path) -> LockstepMember:
    """Create the host's end of a target's two pipes; both are opened for reading and writing so that no open blocks."""
    for name in PIPES:
        os.mkfifo(folder / name, PIPE_MODE)
    flags = os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC
    return LockstepMember(folder, os.open(folder / TURN_ENDED, flags), os.open(folder / TURN_BEGINS, flags))


class Lockstep:
    """Passes the turn from one member to the next; the members must have started."""

    def __init__(self, members: Sequence[LockstepMember]) -> None:
        self._members = list(members)
        self._next = 0
        self._poll = select.poll()
        for member in members:
            self._poll.register(member.ended, select.POLLIN)

    def serve(self, timeout_s: float) -> None:
        """Wait up to `timeout_s` for the end of a turn, then begin the next one."""
        ready = {descriptor for descriptor, _ in self._poll.poll(1000 * timeout_s)}
        for member in self._members:
            if member.ended in ready:
                os.read(member.ended, 1)
                member.waits = True
                _signal(member, signal.SIGSTOP)
        self._hand_over()

    def leave(self, group: int) -> None:
        """Remove a member that has ended."""
        place = next((place for place, member in enumerate(self._members) if member.group == group), None)
        if place is None:
            return
        self._poll.unregister(self._members.pop(place).ended)
        self._next -= place < self._next
        self._hand_over()

    def release(self) -> None:
        """Let all members run without turns, so that they can handle a request to end."""
        for member in self._members:
            self._poll.unregister(member.ended)
            member.free()
            _signal(member, signal.SIGCONT)
        self._members.clear()

    def _hand_over(self) -> None:
        if not self._members or not all(member.waits for member in self._members):
            return
        self._next %= len(self._members)
        member = self._members[self._next]
        self._next += 1
        member.waits = False
        member.turns += 1
        _signal(member, signal.SIGCONT)
        assert member.begins is not None
        os.write(member.begins, b".")


def _signal(member: LockstepMember, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(member.group, number)
