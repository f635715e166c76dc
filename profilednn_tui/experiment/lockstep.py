"""Targets that run at the same time and make their steps in turn: one trains while the others stand still.

A target says at a boundary between two steps that its turn is over and waits (`agent/steps/lockstep.py`). It is then
stopped as a whole, with its threads that spin and its workers that prefetch, until its next turn. The first turn begins
when all have come to their first boundary.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from profilednn_tui.protocol.files import TURN_BEGINS, TURN_ENDED

PIPES = (TURN_ENDED, TURN_BEGINS)
PIPE_MODE = 0o600

_KEEPER = """
import os, sys
if not sys.stdin.buffer.read(1):
    for group in sys.argv[1:]:
        try:
            os.killpg(int(group), 9)
        except OSError:
            pass
"""


@dataclass(slots=True)
class LockstepMember:
    """One target."""

    folder: Path
    """Of its session, with the two pipes."""
    ended: int
    """Descriptor on which it says that its turn is over."""
    begins: int | None
    """On which it is told that its turn begins; once closed, it no longer waits."""
    group: int = 0
    """Its process group, once it has started."""
    waits: bool = False
    turns: int = 0

    def free(self) -> None:
        """Wait no longer for turns."""
        if self.begins is not None:
            os.close(self.begins)
            self.begins = None

    def close(self) -> None:
        """Take the pipes away: nobody is to wait at them."""
        self.free()
        os.close(self.ended)
        for name in PIPES:
            with suppress(OSError):
                (self.folder / name).unlink()


def make_member(folder: Path) -> LockstepMember:
    """The host's side of a target's two pipes; each is open for both directions, so that neither end waits."""
    for name in PIPES:
        os.mkfifo(folder / name, PIPE_MODE)
    flags = os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC
    return LockstepMember(folder, os.open(folder / TURN_ENDED, flags), os.open(folder / TURN_BEGINS, flags))


class Lockstep:
    """Hands the turn from one member to the next; the members have started."""

    def __init__(self, members: Sequence[LockstepMember]) -> None:
        self._members = list(members)
        self._next = 0
        self._poll = select.poll()
        for member in members:
            self._poll.register(member.ended, select.POLLIN)
        groups = [str(member.group) for member in members]
        # What is stopped would stand for ever when we are killed.
        self._keeper = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _KEEPER, *groups],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def serve(self, timeout_s: float) -> None:
        """Wait for the end of a turn, at most for so long, and let the next begin."""
        ready = {descriptor for descriptor, _ in self._poll.poll(1000 * timeout_s)}
        for member in self._members:
            if member.ended in ready:
                os.read(member.ended, 1)
                member.waits = True
                _signal(member, signal.SIGSTOP)
        self._hand_over()

    def leave(self, group: int) -> None:
        """A member has ended."""
        place = next((place for place, member in enumerate(self._members) if member.group == group), None)
        if place is None:
            return
        self._poll.unregister(self._members.pop(place).ended)
        self._next -= place < self._next
        self._hand_over()

    def release(self) -> None:
        """Let all of them run on without turns, so that they do what they do when they are told to end."""
        for member in self._members:
            self._poll.unregister(member.ended)
            member.free()
            _signal(member, signal.SIGCONT)
        self._members.clear()

    def close(self) -> None:
        """No member is left, or none is to be kept."""
        assert self._keeper.stdin is not None
        with suppress(OSError):
            self._keeper.stdin.write(b".")
            self._keeper.stdin.close()
        self._keeper.wait()

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
