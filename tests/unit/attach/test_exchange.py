"""Lines carried over from the folder of a target that has its own file system."""

from __future__ import annotations

import os
from pathlib import Path

from profilednn_tui.attach.exchange import CarriedExchange
from profilednn_tui.protocol.files import agent_recording


def test_what_a_full_disk_does_not_take_is_carried_later(tmp_path: Path) -> None:
    """Found in code review: it was lost silently."""
    pid = os.getpid()
    exchange = CarriedExchange(pid, pid, os.geteuid(), tmp_path)
    theirs, ours = Path(exchange.folder_there) / agent_recording(pid), tmp_path / agent_recording(pid)
    try:
        theirs.write_bytes(b"first\n")
        ours.symlink_to("/dev/full")
        exchange.carry()
        theirs.write_bytes(b"first\nsecond\n")
        exchange.carry()
        ours.unlink()
        exchange.carry()
        assert ours.read_bytes() == b"first\nsecond\n"
    finally:
        exchange.close()
    assert not theirs.exists()
