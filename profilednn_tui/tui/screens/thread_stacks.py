"""Where the target hangs: the Python stack of every thread and worker, from outside."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message

from profilednn_tui.session.view import SessionView, Stacks
from profilednn_tui.tui.feed import ReadSource
from profilednn_tui.tui.panels.bars import BreadcrumbBar
from profilednn_tui.tui.panels.table import TableView
from profilednn_tui.tui.present import thread_stacks
from profilednn_tui.tui.present.thread_stacks import ThreadStackRow
from profilednn_tui.tui.screens.base import EditRequested, SessionScreen
from profilednn_tui.tui.screens.source_code import SourceCodeScreen

SampleStacks = Callable[[Sequence[int]], Stacks]


class ThreadStacksView(TableView[ThreadStackRow]):
    """Threads with their frames."""

    COLUMNS = thread_stacks.COLUMNS
    BINDINGS: ClassVar[list[BindingType]] = [Binding("t", "library", "torch frames", id="library")]

    def __init__(self) -> None:
        super().__init__(id="stands")
        self.border_title = "Threads from outside"
        self._view = SessionView()
        self._library = False

    def show_view(self, view: SessionView) -> None:
        self._view = view
        message = thread_stacks.stacks_message(view)
        if message is not None:
            self.show_message(message)
            return
        self.show_rows(thread_stacks.thread_stack_rows(view, self._library))
        self.border_subtitle = thread_stacks.age_note(view.stacks, view.unix_ns)

    def key_of(self, row: ThreadStackRow) -> Hashable:
        return row.key

    def row_text(self, row: ThreadStackRow) -> str:
        return thread_stacks.search_text(row)

    def copy_text(self, row: ThreadStackRow) -> str:
        return thread_stacks.copy_text(row)

    def action_library(self) -> None:
        self._library = not self._library
        self.show_view(self._view)


class ThreadStacksScreen(SessionScreen):
    """All threads of the target in the newest sample."""

    class Sampled(Message):
        """A sample that was asked for is here."""

        def __init__(self, stacks: Stacks) -> None:
            super().__init__()
            self.stacks = stacks

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e", "edit", "edit", id="edit"),
        Binding("x", "sample", "sample again", id="sample"),
    ]

    def __init__(self, read_source: ReadSource, sample: SampleStacks, tid: int | None = None) -> None:
        """`sample` takes the stacks of a target that was launched: nobody samples it all the time, as is done with one
        that we are attached to. The cursor begins at the thread `tid`."""
        super().__init__()
        self._read_source = read_source
        self._sample = sample
        self._tid = tid
        self._asked = False
        self._sampled: Stacks | None = None
        self._shown: Stacks | None = None

    def compose_body(self) -> ComposeResult:
        yield BreadcrumbBar(id="breadcrumb")
        yield ThreadStacksView()

    def on_mount(self) -> None:
        super().on_mount()
        self.set_focus(self.query_one(ThreadStacksView))

    def action_sample(self) -> None:
        pids = thread_stacks.processes_to_sample(self.view, self._tid)
        if pids:
            self.run_worker(lambda: self.post_message(self.Sampled(self._sample(pids))), thread=True, exclusive=True)

    @on(Sampled)
    def _show_sample(self, event: Sampled) -> None:
        self._sampled = event.stacks
        self.show_body(self.view)

    def on_resize(self) -> None:
        super().on_resize()
        self._shown = None
        self.call_after_refresh(lambda: self.show_body(self.view))

    def show_body(self, view: SessionView) -> None:
        if not self._asked and not view.target.attached:
            self.action_sample()
        self._asked = True
        stands = self.query_one(ThreadStacksView)
        if self._sampled is not None and self._sampled.unix_ns >= view.stacks.unix_ns:
            view = replace(view, stacks=self._sampled, unix_ns=max(view.unix_ns, self._sampled.unix_ns))
        if not stands.size or view.stacks is self._shown:
            return
        first, self._shown = not stands.rows, view.stacks
        self.query_one(BreadcrumbBar).show_path(("Threads", "stacks"))
        stands.show_view(view)
        if first and self._tid is not None:
            at = next((index for index, row in enumerate(stands.rows) if row.thread.tid == self._tid), 0)
            stands.move_cursor(at)

    @on(TableView.Opened, "#stands")
    def _open_source(self) -> None:
        row = self.query_one(ThreadStacksView).current
        if row is not None and row.frame is not None:
            path = ("Threads", row.thread.name)
            self.app.push_screen(SourceCodeScreen(row.frame.file, row.frame.line, path, self._read_source))

    def action_edit(self) -> None:
        row = self.query_one(ThreadStacksView).current
        if row is not None and row.frame is not None:
            self.post_message(EditRequested(self._read_source(row.frame.file), row.frame.line))
