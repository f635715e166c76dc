"""A numbered pane of the dashboard."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.content import Content

from profilednn_tui.session.view import EMPTY_VIEW, SessionView
from profilednn_tui.tui.panels.lines import LinesView
from profilednn_tui.tui.present.dashboard import PANES
from profilednn_tui.tui.present.states import Message


class Pane(LinesView):
    """Shows one aspect of a session. A pane that is hidden, or whose records are the same objects, does nothing."""

    NAME: ClassVar[str]
    TITLE: ClassVar[str]

    def __init__(self) -> None:
        super().__init__(id=self.NAME)
        self.view: SessionView = EMPTY_VIEW
        self._drawn_records: tuple[object, ...] | None = None
        self.border_title = self.heading()

    # ---------------------------------------------------------------- what a pane defines

    def records(self, view: SessionView) -> tuple[object, ...]:
        """The records this pane shows: it is redrawn when one of them is another object."""
        raise NotImplementedError

    def message(self, view: SessionView) -> Message | None:
        """The message instead of figures; None if there are figures."""
        return None

    def draw(self, view: SessionView) -> None:
        """Show what `tui.present` makes of the view."""
        raise NotImplementedError

    def note(self, view: SessionView) -> str:
        """The text on the lower border."""
        return ""

    # ---------------------------------------------------------------- showing

    def heading(self) -> str:
        return f"{PANES.index(self.NAME) + 1} {self.TITLE}"

    def show(self, view: SessionView) -> None:
        """Show this state of the session."""
        self.view = view
        self.update()

    def update(self, force: bool = False) -> None:
        """Redraw the pane if its records or its size have changed."""
        if not self.display or not self.size:
            self._drawn_records = None
            return
        records = (self.room, *self.records(self.view))
        if not force and self._drawn_records is not None and _same(records, self._drawn_records):
            return
        self._drawn_records = records
        message = self.message(self.view)
        if message is not None:
            self.show_message(message)
        else:
            self.draw(self.view)
        heading = f"{self.heading()}  {self.filter_note}".rstrip()
        self.set_titles(heading, self.note(self.view) if message is None else "")

    def filter(self, text: str) -> None:
        super().filter(text)
        self.update(force=True)

    def set_titles(self, title: str, subtitle: str) -> None:
        """Set both only when they differ: each repaints a border."""
        for name, text in (("border_title", title), ("border_subtitle", subtitle)):
            current = getattr(self, name)
            if (str(current) if current is not None else "") != text:
                setattr(self, name, Content(text) if text else None)

    def on_resize(self, event: events.Resize) -> None:
        self.update()

    def on_show(self, event: events.Show) -> None:
        self.update()


def _same(records: tuple[object, ...], known: tuple[object, ...]) -> bool:
    """Whether size and records are the same; records by identity, as comparing values would cost what it saves."""
    return (
        len(records) == len(known)
        and records[0] == known[0]
        and all(new is old for new, old in zip(records[1:], known[1:], strict=True))
    )
