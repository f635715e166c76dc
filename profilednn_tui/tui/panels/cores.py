"""Pane 3: the cores."""

from __future__ import annotations

from profilednn_tui.session.view import SessionView
from profilednn_tui.tui.panels.pane import Pane
from profilednn_tui.tui.present import cores, dashboard


class CoresPane(Pane):
    """The use of each core, by the target and by others."""

    NAME = dashboard.CORES
    TITLE = "Cores, %"

    def records(self, view: SessionView) -> tuple[object, ...]:
        return view.cores, view.machine

    def draw(self, view: SessionView) -> None:
        self.show_lines(cores.cores_lines(view.cores, view.machine, self.room.width, self.room.height))

    def note(self, view: SessionView) -> str:
        return cores.title_note(view.cores, view.machine)
