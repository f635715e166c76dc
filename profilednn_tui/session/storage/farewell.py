"""Whether a recording is complete."""

from __future__ import annotations

from pathlib import Path

from profilednn_tui.protocol.events import ByeEvent
from profilednn_tui.session.storage.files import read_end

_LAST_LINE_BYTES = 4096
_BYE = f'{{"event":"{ByeEvent.kind}"'.encode()


def said_bye(recording: Path) -> bool:
    """Whether the last line of a recording is its writer's goodbye; False for a file that cannot be read."""
    try:
        lines = read_end(recording, _LAST_LINE_BYTES).splitlines()
    except OSError:
        return False
    return bool(lines) and lines[-1].startswith(_BYE)
