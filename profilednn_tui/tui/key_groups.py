"""The keys of all screens and panes: grouped for the help, and those that are in force at the same time."""

from __future__ import annotations

from textual.binding import Binding
from textual.dom import DOMNode
from textual.screen import ModalScreen

from profilednn_tui.tui.app import ProfilerApp
from profilednn_tui.tui.keymap import Scope
from profilednn_tui.tui.keys import Keymap, bindings_of, hint, own_bindings, remapped
from profilednn_tui.tui.panels.comparison import PartTable
from profilednn_tui.tui.panels.difference import DifferenceView
from profilednn_tui.tui.panels.flame import FlameView
from profilednn_tui.tui.panels.lines import LinesView
from profilednn_tui.tui.panels.modules import ModulesPane
from profilednn_tui.tui.panels.operators import OperatorsPane
from profilednn_tui.tui.panels.source_code import SourceCodeView
from profilednn_tui.tui.panels.steps import StepsPane
from profilednn_tui.tui.panels.table import TableView
from profilednn_tui.tui.panels.timeline import TimelineView
from profilednn_tui.tui.screens.base import SessionScreen
from profilednn_tui.tui.screens.choice import ChoiceScreen, ChoicesView
from profilednn_tui.tui.screens.columns import ColumnsScreen, ColumnsView
from profilednn_tui.tui.screens.compare import CompareScreen, SideOperatorScreen
from profilednn_tui.tui.screens.difference import DifferenceScreen
from profilednn_tui.tui.screens.export import ExportScreen, FormatsView
from profilednn_tui.tui.screens.findings import EvidenceView, FindingScreen, FindingsScreen, FindingsView
from profilednn_tui.tui.screens.flame import FlameScreen
from profilednn_tui.tui.screens.help import Group, HelpScreen
from profilednn_tui.tui.screens.live import LiveScreen
from profilednn_tui.tui.screens.memory import MemoryScreen, OwnersTable
from profilednn_tui.tui.screens.operator import OperatorScreen, StacksView
from profilednn_tui.tui.screens.optimizations import OptimizationsScreen, OptimizationsView
from profilednn_tui.tui.screens.primitives import PrimitivesScreen, PrimitivesView
from profilednn_tui.tui.screens.ranks import RanksScreen, RanksTable
from profilednn_tui.tui.screens.source_code import SourceCodeScreen
from profilednn_tui.tui.screens.thread_stacks import ThreadStacksScreen, ThreadStacksView
from profilednn_tui.tui.screens.timeline import TimelineScreen
from profilednn_tui.tui.screens.tuning import CandidatesView, TuningScreen

FIXED = (Binding("tab", "", "next pane"), Binding("shift+tab", "", "previous pane"))
"""Textual's own, on all screens."""

PLACES: tuple[tuple[type[DOMNode], ...], ...] = (
    (LiveScreen, StepsPane),
    (LiveScreen, OperatorsPane),
    (LiveScreen, ModulesPane),
    (FindingsScreen, FindingsView),
    (FindingScreen, EvidenceView),
    (OptimizationsScreen, OptimizationsView),
    (TuningScreen, CandidatesView),
    (OperatorScreen, StacksView),
    (SideOperatorScreen, StacksView),
    (SourceCodeScreen, SourceCodeView),
    (FlameScreen, FlameView),
    (TimelineScreen, TimelineView),
    (PrimitivesScreen, PrimitivesView),
    (CompareScreen, PartTable),
    (DifferenceScreen, DifferenceView),
    (MemoryScreen, OwnersTable),
    (RanksScreen, RanksTable),
    (ThreadStacksScreen, ThreadStacksView),
    (ChoiceScreen, ChoicesView),
    (ColumnsScreen, ColumnsView),
    (ExportScreen, FormatsView),
    (HelpScreen, LinesView),
)
"""Each screen with the widgets that are focused on it: the keys of both are in force at the same time."""


def scopes() -> tuple[Scope, ...]:
    """The bindings that are in force at the same time, for all places."""
    everywhere = tuple(own_bindings(ProfilerApp))
    return tuple(
        (
            *(binding for owner in place for binding in own_bindings(owner)),
            *FIXED,
            *(() if issubclass(place[0], ModalScreen) else everywhere),
        )
        for place in PLACES
    )


_GROUPS: tuple[tuple[str, tuple[type[DOMNode], ...]], ...] = (
    ("Everywhere", (ProfilerApp, SessionScreen)),
    ("Dashboard", (LiveScreen,)),
    ("Panes", (LinesView,)),
    ("Tables", (TableView,)),
    ("1 Steps", (StepsPane,)),
    ("2 Operators", (OperatorsPane,)),
    ("{advice} Advice", (FindingsScreen,)),
    ("{optimizations} Optimizations", (OptimizationsView,)),
    ("{tune} Fastest setting", (TuningScreen,)),
    ("Operator", (OperatorScreen, StacksView)),
    ("{flame} Flame graph", (FlameView, FlameScreen)),
    ("{timeline} Timeline", (TimelineView, TimelineScreen)),
    ("{memory} Memory", (MemoryScreen,)),
    ("oneDNN", (PrimitivesScreen,)),
    ("Compare", (CompareScreen, SideOperatorScreen)),
    ("Differences", (DifferenceView,)),
    ("Stacks of threads", (ThreadStacksScreen, ThreadStacksView)),
)


def key_groups(keymap: Keymap) -> list[Group]:
    """Title and bindings of each group, with the keys that the user has chosen."""
    groups = [(title, [binding for owner in owners for binding in bindings_of(owner)]) for title, owners in _GROUPS]
    groups[1][1].append(FIXED[0])
    return [
        (hint(title, keymap, (ProfilerApp, LiveScreen)), [remapped(binding, keymap) for binding in bindings])
        for title, bindings in groups
    ]
