"""The live screen: the dashboard of panes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import NULL_OFFSET, Region, Size, Spacing
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.message import Message
from textual.widget import Widget

from profilednn_tui.flame.tree import Shape, module_label, operator_label
from profilednn_tui.session.view import SessionView
from profilednn_tui.tui.feed import ReadSource
from profilednn_tui.tui.panels.bars import BarView, TabsBar
from profilednn_tui.tui.panels.cores import CoresPane
from profilednn_tui.tui.panels.facts import NoticesPane, RunPane
from profilednn_tui.tui.panels.memory import MemoryPane
from profilednn_tui.tui.panels.modules import ModulesPane
from profilednn_tui.tui.panels.operators import OperatorsPane
from profilednn_tui.tui.panels.output import OutputPane
from profilednn_tui.tui.panels.pane import Pane
from profilednn_tui.tui.panels.steps import StepsPane
from profilednn_tui.tui.panels.table import TableView
from profilednn_tui.tui.panels.threads import ThreadsPane
from profilednn_tui.tui.present import dashboard
from profilednn_tui.tui.present.modules import ModuleRow
from profilednn_tui.tui.present.operators import OperatorRow
from profilednn_tui.tui.present.rerun import EarlierRun, before_line
from profilednn_tui.tui.present.threads import TaskRow
from profilednn_tui.tui.screens.base import Question, SessionScreen
from profilednn_tui.tui.screens.flame import FlameScreen
from profilednn_tui.tui.screens.memory import MemoryScreen
from profilednn_tui.tui.screens.operator import OperatorScreen
from profilednn_tui.tui.screens.primitives import PrimitivesScreen
from profilednn_tui.tui.screens.ranks import RanksScreen
from profilednn_tui.tui.screens.thread_stacks import SampleStacks, ThreadStacksScreen

PANES: tuple[Callable[[], Pane], ...] = (
    StepsPane, OperatorsPane, CoresPane, ThreadsPane, MemoryPane, OutputPane, ModulesPane, NoticesPane, RunPane,
)  # fmt: skip
"""In the order of their numbers."""


class DashboardLayout(Layout):
    """Places panes as `present.dashboard` arranges them."""

    name = "dashboard"

    def __init__(self, board: Dashboard) -> None:
        self._board = board

    def arrange(self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True) -> ArrangeResult:
        parent.pre_layout(self)
        boxes = self._board.boxes(size)
        return [
            WidgetPlacement(Region(box.x, box.y, box.width, box.height), NULL_OFFSET, Spacing(), child)
            for child in children
            if (box := boxes.get(child.id or "")) is not None
        ]


class Dashboard(Widget):
    """The panes, as many as there is room for; the user chooses which."""

    class Chosen(Message):
        """The user has brought a pane to a place."""

        def __init__(self, place: str, pane: str) -> None:
            super().__init__()
            self.place = place
            self.pane = pane

    def __init__(self, chosen: Mapping[str, str]) -> None:
        """`chosen` are the panes that were brought to places earlier."""
        super().__init__(id="dashboard")
        self._arrangement = DashboardLayout(self)
        self._chosen = {place: pane for place, pane in chosen.items() if pane in dashboard.PANES}
        self.maximized_pane: str | None = None

    @property
    def layout(self) -> Layout:
        return self._arrangement

    def compose(self) -> ComposeResult:
        for pane_type in PANES:
            pane = pane_type()
            pane.display = False
            yield pane

    def boxes(self, size: Size) -> dict[str, dashboard.Box]:
        return dashboard.arrange(size.width, size.height, self._chosen, self.maximized_pane)

    def bring(self, name: str) -> Pane:
        """Make a pane visible."""
        if self.maximized_pane is not None:
            self.maximized_pane = name
        layout = dashboard.layout_for(self.size.width, self.size.height)
        slot = dashboard.slot_of(layout, name)
        if self._chosen.get(slot) != name:
            self._chosen[slot] = name
            self.post_message(self.Chosen(slot, name))
        self.show_panes()
        return self.query_one(f"#{name}", Pane)

    def maximize_pane(self, name: str | None) -> None:
        self.maximized_pane = name
        self.show_panes()

    def show_panes(self) -> None:
        """Show the panes for which there is room, hide the others."""
        visible = self.boxes(self.size)
        for pane in self.query(Pane):
            pane.display = pane.id in visible
        self.refresh(layout=True)
        self.post_message(self.Changed())

    class Changed(Message):
        """The visible panes have changed."""

    def on_resize(self, event: events.Resize) -> None:
        self.show_panes()


class LiveScreen(SessionScreen):
    """Everything about the session at once."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(str(number), f"pane({number})", f"pane {number}: {name}", show=False, id=f"pane-{number}")
          for number, name in enumerate(dashboard.PANES, start=1)),
        Binding("z", "zoom_pane", "maximize", id="maximize"),
        Binding("d", "primitives", "oneDNN", id="primitives"),
        Binding("f", "flame", "flame graph", id="flame"),
        Binding("i", "input", "type to the target", show=False, id="input"),
        Binding("M", "memory", "memory: who holds it", show=False, id="memory"),
        Binding("R", "ranks", "ranks, and who waits for whom", show=False, id="ranks"),
        Binding("x", "thread_stacks", "Python stacks of all threads", show=False, id="thread-stacks"),
    ]  # fmt: skip

    def __init__(
        self,
        read_source: ReadSource,
        read_output: Callable[[int], bytes],
        write_input: Callable[[bytes], int],
        sample_stacks: SampleStacks,
        before: EarlierRun | None = None,
        panes: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """`before` is the run that this one repeats; `panes` are those that were chosen earlier."""
        super().__init__()
        self._read_source = read_source
        self._read_output = read_output
        self._write_input = write_input
        self._sample_stacks = sample_stacks
        self._before = before
        self._panes = panes

    def compose_body(self) -> ComposeResult:
        yield Dashboard(self._panes)
        if self._before is not None:
            yield BarView(id="before")
        yield TabsBar(id="tabs")

    def on_mount(self) -> None:
        super().on_mount()
        self.set_focus(self.query_one(OperatorsPane))

    @property
    def board(self) -> Dashboard:
        return self.query_one(Dashboard)

    def show_body(self, view: SessionView) -> None:
        self.query_one(NoticesPane).findings = self.findings
        for pane in self.query(Pane):
            pane.show(view)
        self._show_tabs()
        if self._before is not None:
            self.query_one("#before", BarView).show_lines([before_line(self._before, view)])
        output = self.query_one(OutputPane)
        if output.wanted_bytes:
            output.show_output(self._read_output(output.wanted_bytes))

    def _show_tabs(self) -> None:
        focused = self.focused.id if self.focused is not None else None
        visible = self.board.boxes(self.board.size)
        self.query_one(TabsBar).show_tabs(focused, visible, dashboard.calling_panes(self.view))

    def on_descendant_focus(self) -> None:
        self._show_tabs()

    @on(Dashboard.Changed)
    def _panes_changed(self) -> None:
        board = self.board
        visible = board.boxes(board.size)
        if self.focused is None or (isinstance(self.focused, Pane) and self.focused.id not in visible):
            name = dashboard.OPERATORS if dashboard.OPERATORS in visible else next(iter(visible))
            self.set_focus(self.query_one(f"#{name}"))
        self.call_after_refresh(lambda: self.show_body(self.view))

    # ---------------------------------------------------------------- panes

    def action_pane(self, number: int) -> None:
        self.set_focus(self.board.bring(dashboard.PANES[number - 1]))

    def action_zoom_pane(self) -> None:
        focused = self.focused
        maximized = self.board.maximized_pane is not None
        self.board.maximize_pane(None if maximized or not isinstance(focused, Pane) else focused.NAME)

    @property
    def operator_in_focus(self) -> str:
        focused = self.focused
        if isinstance(focused, OperatorsPane) and focused.current is not None:
            return focused.current.operator.key.name
        return ""

    def action_primitives(self) -> None:
        self.app.push_screen(PrimitivesScreen())

    def action_memory(self) -> None:
        self.app.push_screen(MemoryScreen())

    def action_ranks(self) -> None:
        self.app.push_screen(RanksScreen())

    def go_back(self) -> None:
        operators = self.query_one(OperatorsPane)
        if self.board.maximized_pane is not None:
            self.board.maximize_pane(None)
        elif operators.module is not None:
            operators.show_module(None)

    # ---------------------------------------------------------------- drill down

    @on(TableView.Opened, "#operators")
    def _open_operator(self, event: TableView.Opened) -> None:
        row: Any = event.row
        assert isinstance(row, OperatorRow)
        pane = self.query_one(OperatorsPane)
        self.app.push_screen(OperatorScreen(row.operator, pane.merged, self._read_source, pane.module))

    @on(TableView.Opened, "#modules")
    def _open_module(self, event: TableView.Opened) -> None:
        row: Any = event.row
        assert isinstance(row, ModuleRow)
        pane = self.board.bring(dashboard.OPERATORS)
        assert isinstance(pane, OperatorsPane)
        pane.show_module(row.module.path or None)
        self.set_focus(pane)

    @on(TableView.Opened, "#threads")
    def _open_thread(self, event: TableView.Opened) -> None:
        row: Any = event.row
        assert isinstance(row, TaskRow)
        self.app.push_screen(ThreadStacksScreen(self._read_source, self._sample_stacks, row.key[1]))

    def action_flame(self) -> None:
        """Show the flame graph, beginning at the operator or module under the cursor."""
        focused = self.focused
        focus, shape = None, Shape()
        if isinstance(focused, OperatorsPane) and focused.current is not None:
            focus = operator_label(focused.current.operator.key)
        elif isinstance(focused, ModulesPane) and focused.current is not None:
            focus, shape = module_label(focused.current.module), Shape(by_module=True)
        self.app.push_screen(FlameScreen(self._read_source, focus, shape))

    def action_thread_stacks(self) -> None:
        self.app.push_screen(ThreadStacksScreen(self._read_source, self._sample_stacks))

    # ---------------------------------------------------------------- the target's terminal

    def action_input(self) -> None:
        """Open a line to type to the target."""
        if not self.view.live:
            self.notify("The target has ended and takes no input.", severity="warning")
            return
        output = self.query_one(OutputPane)

        def submit(text: str) -> None:
            if not self._write_input(text.encode() + b"\n"):
                self.notify("Only a target that was launched here takes input.", severity="warning")
            self.finish_asking(output)

        self.ask(Question("to the target: ", submit, cancel=lambda: self.finish_asking(output)))
