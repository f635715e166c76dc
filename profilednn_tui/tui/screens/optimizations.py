"""The optimizations: switching them on for the next run, and the receipts of this one."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message

from profilednn_tui.advise.effects import asked_for, without_effect
from profilednn_tui.errors import ProfilerError
from profilednn_tui.launch.optimizations import OptimizationDescription, own_optimizations
from profilednn_tui.session.view import Operators, SessionView
from profilednn_tui.tui.keys import with_keys
from profilednn_tui.tui.panels.lines import LinesView
from profilednn_tui.tui.panels.table import TableView
from profilednn_tui.tui.present import optimizations
from profilednn_tui.tui.present.optimizations import OptimizationRow
from profilednn_tui.tui.screens.base import SessionScreen


class OptimizationsView(TableView[OptimizationRow]):
    """The optimizations, one per line."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("space", "open", "switch on or off", id="switch")]
    COLUMNS = optimizations.COLUMNS

    def key_of(self, row: OptimizationRow) -> Hashable:
        return row.name

    def row_text(self, row: OptimizationRow) -> str:
        return row.name

    def copy_text(self, row: OptimizationRow) -> str:
        return f"{row.name}\t{row.outcome.state}\t{row.outcome.text}" if row.outcome else row.name


class OptimizationsScreen(SessionScreen):
    """What is available in the target's environment, and why the rest is not."""

    class Checked(Message):
        """The target's environment has been checked, or cannot be: `failure` says why, in a sentence."""

        def __init__(self, descriptions: tuple[OptimizationDescription, ...], failure: str = "") -> None:
            super().__init__()
            self.descriptions = descriptions
            self.failure = failure

    class Chosen(Message):
        """The user has changed the optimizations for the next run."""

        def __init__(self, names: frozenset[str]) -> None:
            super().__init__()
            self.names = names

    def __init__(self, chosen: frozenset[str], check: Callable[[], tuple[OptimizationDescription, ...]]) -> None:
        """`chosen` are the optimizations for the next run, so far."""
        super().__init__()
        self._chosen = chosen
        self._check = check
        self._descriptions: tuple[OptimizationDescription, ...] = ()
        self._unknown = "being checked"
        """Why an optimization has no description."""
        self._idle: tuple[Operators, Mapping[str, str]] = Operators(), {}
        """Those without an effect on a session with these operators."""

    def compose_body(self) -> ComposeResult:
        yield OptimizationsView(id="optimizations")
        yield LinesView(id="optimization")

    def on_mount(self) -> None:
        super().on_mount()
        self.set_focus(self.query_one(OptimizationsView))
        self.run_worker(self._check_environment, thread=True)

    def _check_environment(self) -> None:
        """Runs in its own thread: the target's interpreter has to import torch to answer."""
        try:
            checked = self.Checked(self._check())
        except ProfilerError as error:
            checked = self.Checked((), str(error))
        self.post_message(checked)

    @on(Checked)
    def _show_offers(self, event: Checked) -> None:
        self._descriptions = event.descriptions
        self._unknown = f"not known: {event.failure}" if event.failure else "not offered by the target's environment"
        self._draw()

    def show_body(self, view: SessionView) -> None:
        self._draw()

    def on_resize(self) -> None:
        super().on_resize()
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        table = self.query_one(OptimizationsView)
        table.border_title = with_keys(table, "Optimizations: {switch} switches, {rerun} runs again with them")
        table.border_subtitle = Content(", ".join(sorted(self._chosen)) or "none chosen")
        if self._idle[0] is not self.view.operators:
            self._idle = self.view.operators, without_effect(self.view)
        advice = self.findings.advice
        table.show_rows(
            optimizations.optimization_rows(
                own_optimizations(),
                self._descriptions,
                self.view.optimizations,
                self._chosen,
                self._unknown,
                asked_for(advice) if advice is not None else {},
                self._idle[1],
            )
        )
        self._show_detail()

    @on(TableView.Moved)
    def _show_detail(self) -> None:
        row = self.query_one(OptimizationsView).current
        detail = self.query_one("#optimization", LinesView)
        if row is not None and detail.size:
            detail.border_title = Content(row.name)
            detail.show_lines(optimizations.detail_lines(row, detail.room.width))

    @on(TableView.Opened)
    def _switch(self) -> None:
        row = self.query_one(OptimizationsView).current
        if row is None:
            return
        refused = optimizations.refusal(row)
        if refused is not None:
            self.notify(refused, severity="warning", timeout=6)
            return
        self._chosen ^= {row.name}
        self.post_message(self.Chosen(self._chosen))
        self._draw()
