"""The boxes of a flame graph."""

from __future__ import annotations

import itertools
import re

import pytest

from profilednn_tui.flame.tree import Shape, flame_tree, path_to, sandwich
from profilednn_tui.session.view import Primitives
from profilednn_tui.tui.present import flame
from profilednn_tui.tui.renderables.line import line_width, plain
from tests.unit.flame.graphs import MAIN, operators
from tests.unit.flame.test_tree import label, product

TREE = flame_tree(operators(), Primitives(), Shape())


@pytest.mark.parametrize("width", [3, 20, 76, 196])
def test_children_lie_below_their_parents_side_by_side(width: int) -> None:
    rows = flame.icicle_rows(TREE, (), width)
    assert [(box.x, box.width) for box in rows[0]] == [(0, width)]
    for above, row in itertools.pairwise(rows):
        parents = {box.path: box for box in above}
        at = 0
        for box in row:
            parent = parents[box.path[:-1]]
            assert parent.x <= box.x
            assert box.x + box.width <= parent.x + parent.width
            assert box.x >= at
            at = box.x + box.width
    for line in flame.flame_lines(rows, None, None, width):
        assert line_width(line) == width


def test_a_zoomed_node_has_the_whole_width() -> None:
    path = path_to(TREE, product())
    rows = flame.icicle_rows(TREE, path[:2], 60)
    assert [len(row) for row in rows[:3]] == [1, 1, 1]
    assert rows[1][0].quiet
    assert rows[2][0].path == path[:2]
    assert {box.node.label.name for box in rows[3]} == {"aten::mm", "aten::t"}


def test_the_sandwich_has_callers_above_and_callees_below() -> None:
    rows = flame.sandwich_rows(*sandwich(TREE, product()), 60)
    middle = next(number for number, row in enumerate(rows) if row[0].path == ())
    assert rows[middle][0].node.label == product()
    assert rows[0][0].node.label == label(MAIN)
    assert middle == len(rows) - 1, "an operator leads to nothing"


def test_boxes_are_coloured_by_phase_and_matches_stand_out() -> None:
    rows = flame.icicle_rows(TREE, (), 120)
    lines = flame.flame_lines(rows, None, re.compile("aten::t"), 120)
    roles = {role for line in lines for _, role in line}
    assert {"phase-forward reverse", "background on warning"} <= roles
    assert any("forward  me/model.py:4" in plain(line) for line in lines)
    assert flame.matched_share(TREE, re.compile("aten::t")) == pytest.approx(50 / 145)


def test_the_head_tells_the_node_under_the_cursor() -> None:
    first, second = flame.head_lines(TREE, TREE.at(path_to(TREE, product())), Shape(), 0.25)
    assert "self time by lines, per step: 145 ns" in plain(first)
    assert "matches: 25.0 %" in plain(first) or "matches: 25 %" in plain(first)
    assert "aten::mm" in plain(second)
    assert "41" in plain(second)
