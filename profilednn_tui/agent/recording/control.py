"""Commands from the host: a small, growing file, read from where the last read ended."""

from __future__ import annotations

import os

from ...protocol.codec import decode_command
from ...protocol.events import Command
from ...protocol.files import control_file


class ControlFile:
    """``control-PID`` in the session folder."""

    def __init__(self, folder: str) -> None:
        self._path = os.path.join(folder, control_file(os.getpid()))
        self._position = 0

    def new_commands(self) -> list[Command]:
        """Commands in the complete lines appended since the last call; none if the file does not exist."""
        try:
            if os.stat(self._path).st_size <= self._position:
                return []
            with open(self._path, "rb") as stream:
                stream.seek(self._position)
                text = stream.read(65536)
        except OSError:
            return []
        whole = text[: text.rfind(b"\n") + 1]
        self._position += len(whole)
        return [command for command in map(decode_command, whole.splitlines()) if command is not None]
