"""Who takes part in a session: the target's processes with an agent, and profilednn-tui's own."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from profilednn_tui.collect import procfs
from profilednn_tui.collect.moment import Agents
from profilednn_tui.collect.viewers import viewer_pids
from profilednn_tui.protocol import Hello
from profilednn_tui.session.folder import agent_recording, recording_pid

HEAD_BYTES = 1 << 16
"""The first lines of a recording, among them its `Hello`."""


class Roster:
    """Reads from the session folder who takes part."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ranks: dict[int, int | None] = {}

    def agents(self) -> Agents:
        """Processes that have an agent."""
        pids = {pid for name in procfs.names(str(self._folder)) if (pid := recording_pid(name)) is not None}
        for pid in pids - self._ranks.keys():
            for line in procfs.read(str(self._folder / agent_recording(pid)))[:HEAD_BYTES].splitlines():
                found = _hello(line)
                if found is not None:
                    self._ranks[pid] = found.rank
        return self._ranks

    def host_pids(self) -> list[int]:
        """This process, and the viewers that have the session open."""
        return [os.getpid(), *(pid for pid in viewer_pids(procfs.names(str(self._folder))) if pid != os.getpid())]


class _Hello(msgspec.Struct, tag_field="event", tag=Hello.kind):
    rank: int | None


def _hello(line: bytes) -> _Hello | None:
    try:
        return msgspec.json.decode(line, type=_Hello)
    except msgspec.MsgspecError:
        return None
