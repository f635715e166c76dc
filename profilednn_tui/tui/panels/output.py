"""Pane 6: the target's terminal output."""

from __future__ import annotations

from profilednn_tui.session.view import SessionView
from profilednn_tui.tui.keys import with_keys
from profilednn_tui.tui.panels.pane import Pane
from profilednn_tui.tui.present import dashboard
from profilednn_tui.tui.present.output import output_lines
from profilednn_tui.tui.present.states import Message

LIVE_BYTES = 16_384
"""How much is read per refresh while the target writes."""
WHOLE_BYTES = 1_048_576
"""How much is read when the user scrolls back, searches or copies."""


class OutputPane(Pane):
    """The end of the target's output. It follows the end until the user scrolls up."""

    NAME = dashboard.OUTPUT
    TITLE = "Output"

    def __init__(self) -> None:
        super().__init__()
        self.data = b""
        self._follow = True

    def show_output(self, data: bytes) -> None:
        """Show this end of the output."""
        if data != self.data:
            self.data = data
            self.update(force=True)

    @property
    def wanted_bytes(self) -> int:
        """How much of the output the pane needs."""
        if not self.display:
            return 0
        return LIVE_BYTES if self._follow and self.pattern is None else WHOLE_BYTES

    def records(self, view: SessionView) -> tuple[object, ...]:
        # The last two decide the message while there is no output.
        return self.data, view.live, view.target.attached, bool(view.unix_ns)

    def message(self, view: SessionView) -> Message | None:
        if self.data:
            return None
        if view.target.attached:
            return Message(
                "The output goes where it went before", ("A process that is attached to keeps its own terminal.",)
            )
        if view.live or not view.unix_ns:
            return Message("No output yet")
        return Message("No output was recorded", ("A headless run writes to the terminal from which it was started.",))

    def draw(self, view: SessionView) -> None:
        self.show_lines(output_lines(self.data))
        if self._follow:
            super().action_edge(1)

    def note(self, view: SessionView) -> str:
        return "" if self._follow else with_keys(self, "{last}: back to the end")

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        follow = new_value >= self.max_scroll_y
        if follow != self._follow:
            self._follow = follow
            self.set_titles(self.heading(), self.note(self.view))
