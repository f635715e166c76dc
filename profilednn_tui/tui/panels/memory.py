"""Pane 5: memory."""

from __future__ import annotations

from profilednn_tui.session.view import SessionView
from profilednn_tui.tui.keys import with_keys
from profilednn_tui.tui.panels.pane import Pane
from profilednn_tui.tui.present import dashboard, memory


class MemoryPane(Pane):
    """Resident memory, page faults, user and system time."""

    NAME = dashboard.MEMORY
    TITLE = "Memory"

    def records(self, view: SessionView) -> tuple[object, ...]:
        return (view.memory,)

    def note(self, view: SessionView) -> str:
        return with_keys(self, "{memory}: who holds it")

    def draw(self, view: SessionView) -> None:
        self.show_lines(memory.memory_lines(view.memory, self.room.width, self.room.height))
