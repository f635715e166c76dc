"""The calls of one window in time."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from profilednn_tui.ranks.clocks import unix_shifts
from profilednn_tui.session.model.fragmentation import fragmentation
from profilednn_tui.session.trace import UNKNOWN, Trace
from profilednn_tui.session.view import SessionView
from profilednn_tui.timeline.stretch import account, whole
from profilednn_tui.tui.feed import ReadSource, ReadTraces
from profilednn_tui.tui.panels.bars import BarView, BreadcrumbBar
from profilednn_tui.tui.panels.timeline import TimelineView
from profilednn_tui.tui.present import timeline as present
from profilednn_tui.tui.screens.base import EditRequested, SessionScreen, StretchChosen
from profilednn_tui.tui.screens.flame import FlameScreen
from profilednn_tui.tui.screens.operator import OperatorScreen

_INDENT = 2 + present.TITLE
"""Of the axis: the border and the padding of the lanes, and the names of lanes."""


class TimelineScreen(SessionScreen):
    """One step from begin to end: every call where it was, and nothing where none was."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left_square_bracket", "step_window(-1)", "previous window", key_display="[", id="previous-window"),
        Binding("right_square_bracket", "step_window(1)", "next window", key_display="]", id="next-window"),
        Binding("f", "flame", "flame graph", id="flame"),
        Binding("e", "edit", "edit", id="edit"),
    ]

    def __init__(
        self, traces: ReadTraces, read_source: ReadSource, focus: str = "", place: tuple[str, ...] = ()
    ) -> None:
        """The longest call of the operator `focus` is chosen first; `place` is the path to this screen."""
        super().__init__()
        self._traces = traces
        self._read_source = read_source
        self._focus = focus
        self._place_of_screen = place
        self._newest = 0

    def compose_body(self) -> ComposeResult:
        yield BreadcrumbBar(id="breadcrumb")
        yield BarView(id="timeline-head")
        yield BarView(id="timeline-axis")
        yield TimelineView(self._focus)
        yield BarView(id="timeline-summary")

    def on_mount(self) -> None:
        super().on_mount()
        self.set_focus(self.query_one(TimelineView))

    def on_resize(self) -> None:
        super().on_resize()
        self.call_after_refresh(lambda: self.query_one(TimelineView).draw())
        self.call_after_refresh(self._show_summary)

    def show_body(self, view: SessionView) -> None:
        self.query_one(BreadcrumbBar).show_path((*self._place_of_screen, "Timeline"))
        shown = self.query_one(TimelineView)
        if not shown.room.width:
            self.call_after_refresh(lambda: self.show_body(view))
            return
        numbers = self._traces.traced_windows
        self._newest = numbers[-1] if numbers else 0
        if shown.trace is None:
            wanted = view.operators.windows[-1] if view.operators.windows else 0
            self._show_window(wanted if wanted in numbers else self._newest)
        else:
            self._show_head()

    def _show_window(self, number: int) -> None:
        shown = self.query_one(TimelineView)
        trace = self._traces.trace(number) if number else None
        if trace is None:
            shown.show_message(present.no_trace_message(self.view))
        else:
            shown.show_trace(trace, self._traces.traces_beside(trace, unix_shifts(self.view.ranks)), self.view.steps)
        self._show_summary()

    def action_step_window(self, step: int) -> None:
        """Show an earlier or later window of those whose calls are kept."""
        numbers, trace = self._traces.traced_windows, self.query_one(TimelineView).trace
        there = [number for number in numbers if trace is None or (number - trace.window) * step > 0]
        if there:
            self._unfilter()
            self._show_window(min(there) if step > 0 else max(there))
        else:
            self.notify(f"That is the {'newest' if step > 0 else 'oldest'} window whose calls are kept.", timeout=3)

    # ---------------------------------------------------------------- what is shown around the lanes

    @on(TimelineView.Changed)
    def _show_head(self) -> None:
        shown = self.query_one(TimelineView)
        head, axis = self.query_one("#timeline-head", BarView), self.query_one("#timeline-axis", BarView)
        if shown.trace is None:
            head.show_lines(())
            axis.show_lines(())
            return
        head.show_lines(present.head_lines(shown.trace, shown.call, self._newest, shown.viewport))
        axis.show_lines([present.axis_line(shown.viewport, shown.stretch, shown.cells, _INDENT)])
        if shown.marking:
            self._show_summary()

    def _show_summary(self) -> None:
        shown, summary = self.query_one(TimelineView), self.query_one("#timeline-summary", BarView)
        trace = shown.trace
        if trace is None:
            summary.show_lines(())
            return
        chosen = shown.stretch is not None
        found = account(trace, shown.stretch or whole(trace))
        fragments = () if chosen else fragmentation((trace,))
        lines = present.summary_lines(found, chosen, fragments, max(1, summary.size.width - 2), summary.size.height)
        summary.show_lines([((" ", ""), *line) for line in lines])

    @on(TimelineView.Marked)
    def _marked(self) -> None:
        shown = self.query_one(TimelineView)
        self._show_head()
        self._show_summary()
        trace, stretch = shown.trace, shown.stretch
        if trace is None or stretch is None:
            self._unfilter()
        elif not shown.marking:
            self.post_message(StretchChosen(account(trace, stretch).operators, present.stretch_text(trace, stretch)))

    def _unfilter(self) -> None:
        self.post_message(StretchChosen(None))

    # ---------------------------------------------------------------- to other screens

    def _place(self) -> tuple[Trace, int] | None:
        shown = self.query_one(TimelineView)
        if shown.trace is None or shown.call == UNKNOWN:
            return None
        place = int(shown.trace.calls.place[shown.call])
        return (shown.trace, place) if place != UNKNOWN else None

    @on(TimelineView.Opened)
    def _open(self) -> None:
        found = self._place()
        if found is None:
            return
        trace, place = found
        key = trace.places[place].key
        row = next((row for row in self.view.operators.rows if row.key == key), None)
        row = row or next((row for row in account(trace, whole(trace)).operators.rows if row.key == key), None)
        if row is not None:
            screen = OperatorScreen(row, False, self._read_source)
            screen.pinned = self.pinned
            self.app.push_screen(screen)

    def action_flame(self) -> None:
        self.app.push_screen(FlameScreen(self._read_source, place=("Timeline",)))

    def action_edit(self) -> None:
        found = self._place()
        if found is not None:
            frame = present.frame_of(found[0].places[found[1]])
            if frame is not None:
                self.post_message(EditRequested(self._read_source(frame.file), frame.line))

    def go_back(self) -> None:
        if not self.query_one(TimelineView).step_back():
            super().go_back()
