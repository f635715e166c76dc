"""Lines that are carried from the folder of a target with other files than ours."""

from __future__ import annotations

import os
from pathlib import Path

from profilednn_tui.attach.exchange import CarriedExchange
from profilednn_tui.protocol.files import agent_recording


def test_what_a_full_disk_does_not_take_is_carried_later(tmp_path: Path) -> None:
    """Found by reading: it was lost without a word."""
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
