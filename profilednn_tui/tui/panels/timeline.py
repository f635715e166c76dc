"""The timeline as a widget: lanes over time, of whose calls one is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from profilednn_tui.session.trace import UNKNOWN, Trace
from profilednn_tui.session.view import Steps
from profilednn_tui.timeline.stretch import Stretch
from profilednn_tui.tui.panels.lines import LinesView
from profilednn_tui.tui.present import timeline as present
from profilednn_tui.tui.present.states import Message as StateMessage
from profilednn_tui.tui.present.timeline import Row, Viewport

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_ZOOM = 2.0
_PAN = 0.25
"""Of what is shown."""
_FILL = 0.6
"""Part of the width that a call takes after zooming to it."""


class TimelineView(LinesView):
    """The calls of one window."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("plus,equals_sign", "zoom(1)", "zoom in", key_display="+", show=False, id="zoom-in"),
        Binding("minus", "zoom(-1)", "zoom out", key_display="-", show=False, id="zoom-out"),
        Binding("z", "zoom_to", "zoom to the call", id="zoom"),
        Binding("H,shift+left,<,comma", "pan(-1)", "earlier", key_display="H", show=False, id="earlier"),
        Binding("L,shift+right,>,full_stop", "pan(1)", "later", key_display="L", show=False, id="later"),
        Binding("m", "mark", "mark a stretch", id="mark"),
        Binding("enter", "open", "operator", id="open"),
    ]

    class Opened(Message):
        """The user pressed Enter on a call."""

        def __init__(self, call: int) -> None:
            super().__init__()
            self.call = call

    class Changed(Message):
        """Another call is chosen, or another time is shown."""

    class Marked(Message):
        """A stretch was marked, or is none any more."""

    def __init__(self, focus: str) -> None:
        """The longest call of the operator `focus` is chosen first, or the longest of all."""
        super().__init__(id="timeline")
        self.trace: Trace | None = None
        self.call = UNKNOWN
        """Index of the chosen call."""
        self.viewport = Viewport(0.0, 1.0)
        self.stretch: Stretch | None = None
        self._mark = UNKNOWN
        """The call at which a stretch begins that is not complete yet."""
        self._beside: Sequence[Trace] = ()
        self._steps = Steps()
        self._focus = focus
        self._rows: list[Row] = []
        self._names: list[str] = []
        self._lists: dict[tuple[int, int], npt.NDArray[np.int64]] = {}
        """Calls by thread and depth."""
        self.border_title = "Timeline"

    # ---------------------------------------------------------------- content

    @property
    def cells(self) -> int:
        """For times, beside the names of lanes."""
        return max(1, self.room.width - present.TITLE)

    def show_trace(self, trace: Trace, beside: Sequence[Trace], steps: Steps) -> None:
        """Show a window from its begin to its end."""
        import numpy as np

        calls = trace.calls
        self.trace, self._beside, self._steps = trace, beside, steps
        self._names = []
        self._lists = {}
        for thread in range(len(trace.threads)):
            on_thread = np.flatnonzero(calls.thread == thread)
            depths = calls.depth[on_thread]
            for depth in range(int(depths.max()) + 1 if len(depths) else 0):
                self._lists[thread, depth] = on_thread[depths == depth]
        self.call = self._first_call(trace)
        self.stretch, self._mark = None, UNKNOWN
        self.viewport = self._whole()
        self.draw()
        self.scroll_lines(y=0)

    def show_message(self, message: StateMessage) -> None:
        """Say why there is no timeline."""
        self.trace, self._rows = None, []
        super().show_message(message)
        self.post_message(self.Changed())

    def _first_call(self, trace: Trace) -> int:
        import numpy as np

        calls = trace.calls
        named = [number for number, place in enumerate(trace.places) if place.key.name == self._focus]
        chosen = np.flatnonzero(np.isin(calls.place, named)) if named else np.flatnonzero(calls.depth == 0)
        return int(chosen[calls.duration_ns[chosen].argmax()]) if len(chosen) else UNKNOWN

    def _whole(self) -> Viewport:
        assert self.trace
        return Viewport(0.0, float(max(self.trace.duration_ns, present.LEAST_NS)))

    def draw(self) -> None:
        """Lay the lanes out again, for the width that there is."""
        if self.trace is None or not self.room.width:
            return
        self.viewport = present.bounded(self.viewport, self.trace.duration_ns)
        self._rows = present.timeline_rows(self.trace, self._beside, self._steps, self.viewport, self.cells)
        self._paint()
        self.post_message(self.Changed())

    def _paint(self) -> None:
        if self.trace is not None:
            trace, width = self.trace, self.cells
            self.show_lines(
                [present.row_line(row, trace, self.call, self.pattern, self.viewport, width) for row in self._rows]
            )

    # ---------------------------------------------------------------- choosing

    def choose(self, call: int) -> None:
        """Choose a call, and bring it into view."""
        assert self.trace
        self.call = call
        start, end = self._time_of(call)
        if self._mark != UNKNOWN:
            first, last = self._time_of(self._mark)
            self.stretch = Stretch(min(first, start), max(last, end))
        if end < self.viewport.begin_ns or start > self.viewport.end_ns:
            self.viewport = self.viewport.moved((start + end - self.viewport.begin_ns - self.viewport.end_ns) / 2)
            self.draw()
        else:
            self._paint()
            self.post_message(self.Changed())
        self._bring_into_view()

    def _time_of(self, call: int) -> tuple[int, int]:
        assert self.trace
        start = int(self.trace.calls.start_ns[call])
        return start, start + int(self.trace.calls.duration_ns[call])

    def _bring_into_view(self) -> None:
        if self.trace is None or self.call == UNKNOWN:
            return
        place = int(self.trace.calls.thread[self.call]), int(self.trace.calls.depth[self.call])
        row = next((number for number, row in enumerate(self._rows) if (row.thread, row.depth) == place), 0)
        top, height = self.scroll_offset.y, max(1, self.room.height)
        if not top <= row < top + height:
            self.scroll_lines(y=row if row < top else row - height + 1)

    def action_aside(self, step: int) -> None:
        if self.trace is None or self.call == UNKNOWN:
            return
        row = self._row_of(self.call)
        place = int(row.searchsorted(self.call)) + step
        if 0 <= place < len(row):
            self.choose(int(row[place]))

    def _row_of(self, call: int) -> npt.NDArray[np.int64]:
        assert self.trace
        return self._lists[int(self.trace.calls.thread[call]), int(self.trace.calls.depth[call])]

    def action_move(self, step: int) -> None:
        """To the call around the chosen one, to the longest one in it, or to the next thread."""
        import numpy as np

        if self.trace is None or self.call == UNKNOWN:
            super().action_move(step)
            return
        calls = self.trace.calls
        inner = np.flatnonzero(calls.parent == self.call) if step > 0 else np.zeros(0, dtype=np.int64)
        if step < 0 and calls.parent[self.call] != UNKNOWN:
            self.choose(int(calls.parent[self.call]))
        elif len(inner):
            self.choose(int(inner[calls.duration_ns[inner].argmax()]))
        else:
            there = self._lists.get((int(calls.thread[self.call]) + step, 0))
            if there is not None and len(there):
                middle = sum(self._time_of(self.call)) / 2
                self.choose(int(there[np.abs(calls.start_ns[there] - middle).argmin()]))

    def action_edge(self, step: int) -> None:
        if self.trace is not None and self.call != UNKNOWN:
            self.choose(int(self._row_of(self.call)[0 if step < 0 else -1]))

    def action_open(self) -> None:
        if self.call != UNKNOWN:
            self.post_message(self.Opened(self.call))

    # ---------------------------------------------------------------- what is shown

    def action_zoom(self, direction: int) -> None:
        viewport = self.viewport
        middle = (viewport.begin_ns + viewport.end_ns) / 2
        if self.call != UNKNOWN and self.trace is not None:
            chosen = sum(self._time_of(self.call)) / 2
            middle = chosen if viewport.begin_ns <= chosen <= viewport.end_ns else middle
        self.viewport = viewport.zoomed(_ZOOM**-direction, middle)
        self.draw()

    def action_zoom_to(self) -> None:
        """Show the chosen call, with a little of what is around it."""
        if self.call != UNKNOWN:
            start, end = self._time_of(self.call)
            beside = (end - start) * (1 / _FILL - 1) / 2
            self.viewport = Viewport(start - beside, end + beside)
            self.draw()

    def action_pan(self, direction: int) -> None:
        self.viewport = self.viewport.moved(direction * _PAN * self.viewport.span_ns)
        self.draw()

    def action_mark(self) -> None:
        """Begin a stretch at the chosen call; end it at another one, or the same; a third time, forget it."""
        if self.trace is None or self.call == UNKNOWN:
            return
        if self._mark != UNKNOWN:
            self._mark = UNKNOWN
        elif self.stretch is not None:
            self.stretch = None
        else:
            self._mark, self.stretch = self.call, Stretch(*self._time_of(self.call))
        self.post_message(self.Marked())

    @property
    def marking(self) -> bool:
        """Whether the stretch still follows the chosen call."""
        return self._mark != UNKNOWN

    def step_back(self) -> bool:
        """Forget the stretch, or show the whole step; False if there is nothing to undo."""
        if self.stretch is not None:
            self.stretch, self._mark = None, UNKNOWN
            self.post_message(self.Marked())
        elif self.trace is not None and self.viewport != self._whole():
            self.viewport = self._whole()
            self.draw()
        else:
            return False
        return True

    def action_copy(self) -> None:
        if self.trace is not None and self.call != UNKNOWN:
            head = present.head_lines(self.trace, self.call, self.trace.window, self.viewport)[1]
            self.post_message(self.Copied("".join(text for text, _ in head).strip(), "the call"))

    # ---------------------------------------------------------------- search

    def search_texts(self) -> Sequence[str]:
        if not self._names and self.trace is not None:
            names = [place.key.name for place in self.trace.places] + ["a minor operator"]
            self._names = [names[place] for place in self.trace.calls.place.tolist()]
        return self._names

    def search_position(self) -> int:
        return max(0, self.call)

    def go_to(self, index: int) -> None:
        if self.trace is not None and index < len(self.trace.calls):
            self.choose(index)

    def search(self, text: str) -> None:
        super().search(text)
        self._paint()

    def clear_search(self) -> None:
        super().clear_search()
        self._paint()

    # ---------------------------------------------------------------- mouse

    def on_click(self, event: events.Click) -> None:
        row, column = self.clicked(event) or (-1, 0)
        if not 0 <= row < len(self._rows):
            return
        event.stop()
        at = column - present.TITLE
        for box in self._rows[row].boxes:
            if box.x <= at < box.x + box.width and box.call != UNKNOWN:
                self.choose(box.call)
                if event.chain == 2:
                    self.action_zoom_to()
