"""How far a headless run is, read from its recording and said on stderr from time to time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from profilednn_tui.clock import SYSTEM_CLOCK, Clock

if TYPE_CHECKING:
    from profilednn_tui.export.session.progress import ProgressLines
    from profilednn_tui.session.open_session import OpenSession

FIRST_LOOK_S, INTERVAL_S = 60.0, 10.0
"""A run that is over within the first minute needs no lines, nor the modules that read a recording."""
KINDS = frozenset({"hello", "distributed", "steps", "step_source", "total", "status", "bye"})
"""The events that tell; operator windows, which are large, do not."""


class ProgressReport:
    """The owner's loop calls `look` as long as the target runs."""

    def __init__(self, folder: Path, say: Callable[[str], None], clock: Clock = SYSTEM_CLOCK) -> None:
        self._folder = folder
        self._say = say
        self._clock = clock
        self._due_s = clock.monotonic_s() + FIRST_LOOK_S
        self._reading: tuple[OpenSession, ProgressLines] | None = None
        self._failed = False

    def look(self) -> None:
        """Read what is new, and say it if a line is due. A failure ends the lines, not the run."""
        if self._failed or self._clock.monotonic_s() < self._due_s:
            return
        self._due_s = self._clock.monotonic_s() + INTERVAL_S
        try:
            session, lines = self._reading = self._reading or self._open()
            session.poll()
            line = None if session.behind else lines.line(session.view())
        except Exception as error:  # noqa: BLE001 - the target matters more than our lines
            self._failed = True
            line = f"no more progress: {error}"
        if line is not None:
            self._say(f"profilednn-tui: {line}")

    def _open(self) -> tuple[OpenSession, ProgressLines]:
        from profilednn_tui.export.session.progress import ProgressLines
        from profilednn_tui.session.open_session import OpenSession
        from profilednn_tui.session.storage.store import FolderStore

        store = FolderStore(self._folder, started_here=True)
        return OpenSession([store], alive=lambda pid, since_unix_ns: True, kinds=KINDS), ProgressLines()
