"""Pane 1: the time of each step with its phases, and the loss."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from profilednn_tui.session.view import SessionView
from profilednn_tui.tui.panels.pane import Pane
from profilednn_tui.tui.present import dashboard, history
from profilednn_tui.tui.present.states import Message, steps_message


class StepsPane(Pane):
    """The step-time history."""

    NAME = dashboard.STEPS
    TITLE = "Steps, ms"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("plus,equals_sign", "zoom(-1)", "fewer steps per column", key_display="+", id="zoom-in"),
        Binding("minus", "zoom(1)", "more steps per column", key_display="-", id="zoom-out"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._zoom = 0

    def records(self, view: SessionView) -> tuple[object, ...]:
        # Without a step, the message contains the time since the start, which changes with every view.
        return (view.steps, view.phases, view.fragmentation) if view.steps.count else (view,)

    def message(self, view: SessionView) -> Message | None:
        return steps_message(view)

    def draw(self, view: SessionView) -> None:
        self.show_lines(
            history.history_lines(view, self.room.width, self.room.height, self._zoom, colours=not self.app.no_color)
        )

    def note(self, view: SessionView) -> str:
        return history.subtitle(view, self._zoom)

    def action_zoom(self, step: int) -> None:
        before = history.steps_per_column(self.view.steps, self._zoom)
        if history.steps_per_column(self.view.steps, self._zoom + step) != before:
            self._zoom += step
            self.update(force=True)
