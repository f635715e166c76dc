"""The participants of a session: the target's processes with an agent, and profilednn-tui's own."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from profilednn_tui.collect import procfs
from profilednn_tui.collect.sample import Agents
from profilednn_tui.protocol.events import DistributedEvent, HelloEvent
from profilednn_tui.protocol.files import agent_recording, recording_pid
from profilednn_tui.recording.viewers import viewer_pids

HEAD_BYTES = 1 << 16
"""Holds the first lines of a recording: its `HelloEvent` and, if the rank comes later, its `DistributedEvent`."""


class Participants:
    """Reads the participants from the session folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ranks: dict[int, int | None] = {}
        self._read: dict[int, int] = {}
        """By PID, how many bytes of its recording have been read."""

    def agents(self) -> Agents:
        """The processes that have an agent, each with its rank if known."""
        pids = {pid for name in procfs.names(str(self._folder)) if (pid := recording_pid(name)) is not None}
        for pid in pids:
            begin = self._read.get(pid, 0)
            if begin < HEAD_BYTES and self._ranks.get(pid) is None:
                head = procfs.read(str(self._folder / agent_recording(pid)))
                end = head.rfind(b"\n", begin) + 1
                self._read[pid] = max(begin, end)
                for line in head[begin:end].splitlines():
                    self._take(pid, line)
        return self._ranks

    def host_pids(self) -> list[int]:
        """This process and the viewers that have the session open."""
        return [os.getpid(), *(pid for pid in viewer_pids(procfs.names(str(self._folder))) if pid != os.getpid())]

    def _take(self, pid: int, line: bytes) -> None:
        try:
            self._ranks[pid] = msgspec.json.decode(line, type=_Hello | _Distributed).rank
        except msgspec.MsgspecError:
            return


class _Hello(msgspec.Struct, tag_field="event", tag=HelloEvent.kind):
    rank: int | None


class _Distributed(msgspec.Struct, tag_field="event", tag=DistributedEvent.kind):
    rank: int | None
