"""Where the panes of the live screen go: one table of slots per terminal size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from profilednn_tui.session.notices import warning_count
from profilednn_tui.session.view import SessionView

STEPS, OPERATORS, CORES, THREADS, MEMORY, OUTPUT, MODULES, NOTICES, RUN = PANES = (
    "steps", "operators", "cores", "threads", "memory", "output", "modules", "notices", "run",
)  # fmt: skip
"""Pane 1 to pane 9."""


@dataclass(frozen=True, slots=True)
class Box:
    """A place in cells."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Slot:
    """A part of the dashboard that shows one of its panes at a time."""

    panes: tuple[str, ...]
    share: float = 1.0
    """Share of the height left by the fixed slots of its column."""
    height: int = 0
    """Lines, for a slot of fixed height."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Columns of slots, and the smallest size of the dashboard for this layout."""

    name: str
    least_width: int
    least_height: int
    columns: tuple[tuple[int, tuple[Slot, ...]], ...]
    """(Width, slots) from left to right; 0 takes what is left, a negative one a percentage of the whole."""


LAYOUTS: tuple[Layout, ...] = (
    Layout("wide", 160, 40, (
        (0, (
            Slot((STEPS,), height=15),
            Slot((OPERATORS,)),
            Slot((OUTPUT, NOTICES, RUN), height=12),
        )),
        (-30, (
            Slot((CORES,), share=1.0),
            Slot((MODULES,), share=1.5),
            Slot((THREADS,), share=1.0),
            Slot((MEMORY,), height=12),
        )),
    )),
    Layout("high", 110, 52, (
        (0, (
            Slot((STEPS,), height=13),
            Slot((OPERATORS,), share=1.5),
            Slot((MODULES,)),
            Slot((OUTPUT, NOTICES, RUN), height=10),
        )),
        (-31, (
            Slot((CORES,)),
            Slot((THREADS,)),
            Slot((MEMORY,), height=12),
        )),
    )),
    Layout("medium", 110, 30, (
        (0, (
            Slot((STEPS,), height=12),
            Slot((OPERATORS, MODULES)),
            Slot((OUTPUT, NOTICES, RUN), height=8),
        )),
        (-31, (
            Slot((CORES,)),
            Slot((THREADS,)),
            Slot((MEMORY,), height=10),
        )),
    )),
    Layout("low", 110, 14, (
        (0, (
            Slot((STEPS,), height=8),
            Slot((OPERATORS, MODULES)),
        )),
        (-31, (
            Slot((CORES, THREADS, MEMORY, OUTPUT, NOTICES, RUN)),
        )),
    )),
    Layout("flat", 110, 0, (
        (0, (
            Slot((OPERATORS, MODULES)),
        )),
        (-50, (
            Slot((STEPS, CORES, THREADS, MEMORY, OUTPUT, NOTICES, RUN)),
        )),
    )),
    Layout("tower", 0, 70, (
        (0, (
            Slot((STEPS,), height=12),
            Slot((OPERATORS,), share=2.0),
            Slot((MODULES,), share=1.0),
            Slot((CORES,), share=1.0),
            Slot((THREADS,), share=1.0),
            Slot((MEMORY,), height=10),
            Slot((OUTPUT, NOTICES, RUN), height=8),
        )),
    )),
    Layout("tall", 0, 44, (
        (0, (
            Slot((STEPS,), height=10),
            Slot((OPERATORS, MODULES), share=2.0),
            Slot((CORES, THREADS), share=1.0),
            Slot((MEMORY,), height=9),
            Slot((OUTPUT, NOTICES, RUN), height=8),
        )),
    )),
    Layout("compact", 0, 14, (
        (0, (
            Slot((STEPS,), height=8),
            Slot((OPERATORS, CORES, THREADS, MEMORY, OUTPUT, MODULES, NOTICES, RUN)),
        )),
    )),
    Layout("single", 0, 0, (
        (0, (
            Slot((OPERATORS, STEPS, CORES, THREADS, MEMORY, OUTPUT, MODULES, NOTICES, RUN)),
        )),
    )),
)  # fmt: skip


def layout_for(width: int, height: int) -> Layout:
    """The richest layout that fits."""
    return next(layout for layout in LAYOUTS if width >= layout.least_width and height >= layout.least_height)


def shown_panes(layout: Layout, chosen: Mapping[str, str]) -> tuple[str, ...]:
    """The visible panes. `chosen` names the pane brought forward in a slot, by the slot's first pane."""
    return tuple(_front(slot, chosen) for _, slots in layout.columns for slot in slots)


def slot_of(layout: Layout, pane: str) -> str:
    """The name of the slot (its first pane) in which a pane appears."""
    return next(slot.panes[0] for _, slots in layout.columns for slot in slots if pane in slot.panes)


def arrange(width: int, height: int, chosen: Mapping[str, str], maximized: str | None = None) -> dict[str, Box]:
    """The place of each visible pane."""
    if maximized is not None:
        return {maximized: Box(0, 0, width, height)}
    layout = layout_for(width, height)
    boxes: dict[str, Box] = {}
    widths = [-width * share // 100 if share < 0 else share for share, _ in layout.columns]
    free = width - sum(widths)
    x = 0
    for (_, slots), column_width in zip(layout.columns, widths, strict=True):
        column_width = column_width or free
        y = 0
        for slot, lines in zip(slots, _heights(slots, height), strict=True):
            boxes[_front(slot, chosen)] = Box(x, y, column_width, lines)
            y += lines
        x += column_width
    return boxes


def calling_panes(view: SessionView) -> frozenset[str]:
    """The panes that want attention: the target waits for input or has crashed, or there are warnings."""
    output = view.awaits_input or bool(view.target.exit_code)
    return frozenset(([OUTPUT] if output else []) + ([NOTICES] if warning_count(view) else []))


def _heights(slots: tuple[Slot, ...], height: int) -> list[int]:
    spare = height - sum(slot.height for slot in slots)
    parts = sum(slot.share for slot in slots if not slot.height)
    heights = []
    edge = 0.0
    for slot in slots:
        if slot.height:
            heights.append(slot.height)
            continue
        before = round(edge)
        edge += spare * slot.share / parts
        heights.append(max(3, round(edge) - before))
    return heights


def _front(slot: Slot, chosen: Mapping[str, str]) -> str:
    pane = chosen.get(slot.panes[0], slot.panes[0])
    return pane if pane in slot.panes else slot.panes[0]
