"""Who holds the memory between steps, and what one step allocates on top."""

from __future__ import annotations

from collections.abc import Hashable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message

from profilednn_tui.session.view import SessionView, StepAllocations
from profilednn_tui.tui.keys import with_keys
from profilednn_tui.tui.panels.bars import BarView, BreadcrumbBar
from profilednn_tui.tui.panels.lines import LinesView
from profilednn_tui.tui.panels.table import TableView
from profilednn_tui.tui.present import memory_account as present
from profilednn_tui.tui.present.memory_account import OwnerRow
from profilednn_tui.tui.screens.base import SessionScreen

_FRAME = 3
"""Lines of a table that are no rows: its border and its header."""
_STEPS_UNTIL_RECORDED, _TIME_UNTIL_RECORDED_NS = 16, 5_000_000_000
"""Both pass before nothing is expected any more: the agent looks at commands at the end of a step, and records two
after a window of operators that may be due."""


class OwnersTable(TableView[OwnerRow]):
    """A row for each owner."""

    COLUMNS = present.COLUMNS

    def __init__(self) -> None:
        super().__init__(id="memory-owners")
        self.border_title = "Who holds the memory between steps"

    def key_of(self, row: OwnerRow) -> Hashable:
        return row.name

    def row_text(self, row: OwnerRow) -> str:
        return f"{row.name} {row.explanation}"

    def copy_text(self, row: OwnerRow) -> str:
        return present.copy_text(row)


class MemoryScreen(SessionScreen):
    """The account of the process that is shown, and the allocations of the newest step that was asked for."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("m", "measure", "measure now", id="measure"),
        Binding("tab", "app.focus_next", "other part", show=False, id="next-part"),
    ]

    class Wanted(Message):
        """The user wants an account and the allocations of a step."""

    def __init__(self, path: tuple[str, ...] = ()) -> None:
        """`path` leads to this screen."""
        super().__init__()
        self._path = (*path, "Memory")
        self._asked: tuple[StepAllocations | None, int, int] | None = None
        """When a step was asked for: what was there, how many steps had been made, and the time; None if none is."""

    def compose_body(self) -> ComposeResult:
        yield BreadcrumbBar(id="breadcrumb")
        yield BarView(id="memory-head")
        yield OwnersTable()
        step = LinesView(id="step-memory")
        step.border_title = present.STEP_TITLE
        yield step

    def on_mount(self) -> None:
        super().on_mount()
        self.set_focus(self.query_one(OwnersTable))

    def on_resize(self) -> None:
        super().on_resize()
        self.call_after_refresh(lambda: self.show_body(self.view))

    def show_body(self, view: SessionView) -> None:
        self.query_one(BreadcrumbBar).show_path(self._path)
        self.query_one("#memory-head", BarView).show_lines(present.head_lines(view))
        table, step = self.query_one(OwnersTable), self.query_one("#step-memory", LinesView)
        message = present.account_message(view)
        if message is not None:
            table.show_message(message)
        elif view.memory_account is not None:
            table.show_rows(present.owner_rows(view.memory_account))
            table.styles.max_height = len(table.rows) + _FRAME
        step.border_title = present.STEP_TITLE + (present.WAITING if self._waits(view) else "")
        if view.allocations is None:
            step.show_lines(((), ((with_keys(self, present.no_step_text(view.live)), "muted"),)))
        else:
            step.show_lines(present.step_lines(view.allocations, step.room.width, step.room.height))

    def action_measure(self) -> None:
        """Ask the agent."""
        self.post_message(self.Wanted())

    def wait_for_step(self) -> None:
        """The agent has been asked: until the next steps, which a validation may put off, nothing comes."""
        self._asked = (self.view.allocations, self.view.steps.count, self.view.unix_ns)
        self.show_body(self.view)

    def _waits(self, view: SessionView) -> bool:
        if self._asked is None:
            return False
        before, steps, unix_ns = self._asked
        early = view.steps.count < steps + _STEPS_UNTIL_RECORDED or view.unix_ns < unix_ns + _TIME_UNTIL_RECORDED_NS
        return view.live and view.allocations == before and early
