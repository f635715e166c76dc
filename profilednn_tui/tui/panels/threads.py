"""Pane 4: threads and worker processes."""

from __future__ import annotations

from collections.abc import Hashable

from profilednn_tui.session.view import SessionView
from profilednn_tui.tui.panels.pane import Pane
from profilednn_tui.tui.panels.table import TableView
from profilednn_tui.tui.present import dashboard, threads
from profilednn_tui.tui.present.states import Message
from profilednn_tui.tui.present.table import SortOrder
from profilednn_tui.tui.present.threads import TaskRow


class ThreadsPane(Pane, TableView[TaskRow]):
    """The target's busiest threads, and its child processes."""

    NAME = dashboard.THREADS
    TITLE = "Threads"
    COLUMNS = threads.COLUMNS
    FIRST_ORDER = SortOrder("cpu %")

    def records(self, view: SessionView) -> tuple[object, ...]:
        return view.threads, view.workers

    def message(self, view: SessionView) -> Message | None:
        return None if view.threads or view.workers else Message("No sample yet")

    def draw(self, view: SessionView) -> None:
        self.show_rows(threads.task_rows(view))

    def note(self, view: SessionView) -> str:
        return threads.title_note(view)

    def key_of(self, row: TaskRow) -> Hashable:
        return row.key

    def row_text(self, row: TaskRow) -> str:
        return threads.search_text(row)

    def copy_text(self, row: TaskRow) -> str:
        return threads.copy_text(row)
