"""The keys of all screens and panes, grouped for the help."""

from __future__ import annotations

from collections.abc import Sequence

from textual.binding import Binding, BindingType

from profilednn_tui.tui.panels.difference import DifferenceView
from profilednn_tui.tui.panels.flame import FlameView
from profilednn_tui.tui.panels.lines import LinesView
from profilednn_tui.tui.panels.operators import OperatorsPane
from profilednn_tui.tui.panels.output import OutputPane
from profilednn_tui.tui.panels.steps import StepsPane
from profilednn_tui.tui.panels.table import TableView
from profilednn_tui.tui.panels.timeline import TimelineView
from profilednn_tui.tui.screens.base import SessionScreen
from profilednn_tui.tui.screens.compare import CompareScreen, SideOperatorScreen
from profilednn_tui.tui.screens.findings import FindingsScreen
from profilednn_tui.tui.screens.flame import FlameScreen
from profilednn_tui.tui.screens.help import Group
from profilednn_tui.tui.screens.live import LiveScreen
from profilednn_tui.tui.screens.memory import MemoryScreen
from profilednn_tui.tui.screens.operator import OperatorScreen, StacksView
from profilednn_tui.tui.screens.optimizations import OptimizationsView
from profilednn_tui.tui.screens.primitives import PrimitivesScreen
from profilednn_tui.tui.screens.thread_stacks import ThreadStacksScreen, ThreadStacksView
from profilednn_tui.tui.screens.timeline import TimelineScreen
from profilednn_tui.tui.screens.tuning import TuningScreen


def key_groups(app_bindings: Sequence[BindingType]) -> list[Group]:
    """Title and bindings of each group."""
    palette = Binding("ctrl+p", "command_palette", "all actions by name")
    return [
        ("Everywhere", [*app_bindings, *SessionScreen.BINDINGS, palette]),
        ("Dashboard", [*LiveScreen.BINDINGS, Binding("tab", "", "next pane")]),
        ("Panes", LinesView.BINDINGS),
        ("Tables", TableView.BINDINGS),
        ("1 Steps", StepsPane.BINDINGS),
        ("2 Operators", OperatorsPane.BINDINGS),
        ("6 Output", OutputPane.BINDINGS),
        ("a Advice", FindingsScreen.BINDINGS),
        ("o Optimizations", OptimizationsView.BINDINGS),
        ("T Fastest setting", TuningScreen.BINDINGS),
        ("Operator", [*OperatorScreen.BINDINGS, *StacksView.BINDINGS]),
        ("f Flame graph", [*FlameView.BINDINGS, *FlameScreen.BINDINGS]),
        ("v Timeline", [*TimelineView.BINDINGS, *TimelineScreen.BINDINGS]),
        ("M Memory", MemoryScreen.BINDINGS),
        ("oneDNN", PrimitivesScreen.BINDINGS),
        ("Compare", [*CompareScreen.BINDINGS, *SideOperatorScreen.BINDINGS]),
        ("Differences", DifferenceView.BINDINGS),
        ("Stacks of threads", [*ThreadStacksScreen.BINDINGS, *ThreadStacksView.BINDINGS]),
    ]
