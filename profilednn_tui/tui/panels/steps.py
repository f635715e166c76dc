"""Pane 1: the time of each step with its phases and the loss, or the distribution of all step times."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from profilednn_tui.session.view import SessionView
from profilednn_tui.tui.panels.pane import Pane
from profilednn_tui.tui.present import dashboard, distribution, history
from profilednn_tui.tui.present.states import Message, steps_message


class StepsPane(Pane):
    """The step-time history, or the distribution."""

    NAME = dashboard.STEPS
    TITLE = "Steps, ms"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("D", "distribution", "distribution or history", id="distribution"),
        Binding("plus,equals_sign", "zoom(-1)", "fewer steps per column", key_display="+", id="zoom-in"),
        Binding("minus", "zoom(1)", "more steps per column", key_display="-", id="zoom-out"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._zoom = 0
        self._distribution = False

    def heading(self) -> str:
        if not self.view.steps.count:
            return super().heading()
        note = (
            distribution.TITLE_NOTE
            if self._distribution
            else history.title_note(self.view, self.room.height, self._zoom)
        )
        return super().heading() + note

    def records(self, view: SessionView) -> tuple[object, ...]:
        # Without a step, the message contains the time since the start, which changes with every view.
        return (view.steps, view.phases, view.fragmentation) if view.steps.count else (view,)

    def message(self, view: SessionView) -> Message | None:
        return steps_message(view)

    def draw(self, view: SessionView) -> None:
        width, height = self.room
        if self._distribution:
            self.show_lines(distribution.distribution_lines(view, width, height))
        else:
            self.show_lines(history.history_lines(view, width, height, self._zoom, colours=not self.app.no_color))

    def note(self, view: SessionView) -> str:
        return distribution.subtitle(view.steps.times) if self._distribution else history.subtitle(view, self._zoom)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Zooming belongs to the history."""
        return not (action == "zoom" and self._distribution)

    def action_distribution(self) -> None:
        self._distribution = not self._distribution
        self.refresh_bindings()
        self.update(force=True)

    def action_zoom(self, step: int) -> None:
        before = history.scale_for(self.view.steps, self._zoom)
        if history.scale_for(self.view.steps, self._zoom + step) != before:
            self._zoom += step
            self.update(force=True)
