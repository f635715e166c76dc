"""The layout of panes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from profilednn_tui.session.view import Notice, SessionView, Target
from profilednn_tui.tui.present.dashboard import (
    LAYOUTS,
    PANES,
    Layout,
    arrange,
    calling_panes,
    layout_for,
    shown_panes,
    slot_of,
)


@pytest.mark.parametrize(
    ("width", "height"),
    [
        (80, 20),
        (120, 36),
        (200, 56),
        (160, 40),
        (110, 30),
        (300, 90),
        (60, 14),
        (80, 56),
        (80, 96),
        (120, 76),
        (120, 20),
        (200, 26),
        (60, 11),
        (120, 11),
        (60, 4),
    ],
)
def test_panes_cover_the_dashboard_without_overlap(width: int, height: int) -> None:
    covered: set[tuple[int, int]] = set()
    for box in arrange(width, height, {}).values():
        cells = {(x, y) for x in range(box.x, box.x + box.width) for y in range(box.y, box.y + box.height)}
        assert not covered & cells
        covered |= cells
    assert covered == {(x, y) for x in range(width) for y in range(height)}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_pane_has_a_slot_in_every_layout(layout: Layout) -> None:
    for pane in PANES:
        slot_of(layout, pane)


@pytest.mark.parametrize(
    ("width", "height", "panes"),
    [
        (80, 20, 2),
        (120, 20, 3),
        (80, 56, 5),
        (80, 96, 7),
        (120, 36, 6),
        (120, 76, 7),
        (200, 56, 7),
    ],
)
def test_a_larger_terminal_shows_more_panes_each_of_a_useful_height(width: int, height: int, panes: int) -> None:
    boxes = arrange(width, height, {})
    assert len(boxes) == panes
    assert all(box.height >= 8 and box.width >= 35 for box in boxes.values())
    assert boxes["operators"].height >= 12
    assert boxes["operators"].height == max(box.height for box in boxes.values() if box.x == 0)


@pytest.mark.parametrize(("width", "height", "panes"), [(60, 11, 1), (120, 11, 2), (60, 14, 2)])
def test_a_low_terminal_leaves_rows_in_the_table(width: int, height: int, panes: int) -> None:
    """At 60x15, the table had its header alone."""
    boxes = arrange(width, height, {})
    assert len(boxes) == panes
    assert boxes["operators"].height >= 6


def test_every_pane_can_be_brought_into_a_low_terminal() -> None:
    assert shown_panes(layout_for(60, 11), {"operators": "steps"}) == ("steps",)
    assert shown_panes(layout_for(80, 20), {"operators": "steps"}) == ("steps", "operators")


def test_a_chosen_pane_takes_its_slot() -> None:
    layout = layout_for(80, 20)
    assert shown_panes(layout, {}) == ("steps", "operators")
    assert shown_panes(layout, {"operators": "cores"}) == ("steps", "cores")


def test_a_maximized_pane_has_everything() -> None:
    (box,) = arrange(120, 36, {}, maximized="memory").values()
    assert (box.width, box.height) == (120, 36)


@pytest.mark.parametrize(
    ("changes", "panes"),
    [
        ({}, set()),
        ({"awaits_input": True}, {"output"}),
        ({"target": Target("train.py", exit_code=1)}, {"output"}),
        ({"target": Target("train.py", exit_code=0)}, set()),
        ({"notices": (Notice("warning", "a", "Beware."),)}, {"notices"}),
        ({"notices": (Notice("info", "a", "Good to know."),)}, set()),
    ],
)
def test_panes_that_want_attention(changes: dict[str, Any], panes: set[str]) -> None:
    assert calling_panes(replace(SessionView(), **changes)) == panes
