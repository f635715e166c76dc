"""Two sides as one tree."""

from __future__ import annotations

from dataclasses import replace

import pytest

from profilednn_tui.compare.significance import Significance
from profilednn_tui.flame.difference import EMPTY, Floats, Layout, difference_of
from profilednn_tui.flame.tree import Shape
from profilednn_tui.session.view import EMPTY_VIEW, Operators, SessionView
from tests.unit.flame.graphs import operators


def view(found: Operators) -> SessionView:
    return replace(EMPTY_VIEW, operators=replace(found, windows=(1,)))


def scaled(factor: float, name: str = "aten::mm") -> SessionView:
    """The graph with one operator that takes longer."""
    found = operators()
    rows = tuple(
        replace(
            row,
            self_ns_per_step=row.self_ns_per_step * factor,
            stacks=tuple(replace(one, self_ns_per_step=one.self_ns_per_step * factor) for one in row.stacks),
        )
        if row.key.name == name
        else row
        for row in found.rows
    )
    return view(replace(found, rows=rows))


def without(name: str) -> SessionView:
    found = operators()
    return view(replace(found, rows=tuple(row for row in found.rows if row.key.name != name)))


def judge(baseline: Floats, candidate: Floats) -> Significance:
    """Whatever differs."""
    return Significance("", baseline.mean(axis=0) != candidate.mean(axis=0))


def test_nodes_of_both_sides_have_both_values() -> None:
    found = difference_of([scaled(1.0)] * 2, [scaled(1.5)] * 2, Shape(), judge)
    changed = {path: delta for path, delta in found.nodes.items() if delta.changed}
    leaves = [path for path in changed if path and path[-1].text == "aten::mm"]
    assert leaves
    for leaf in leaves:
        assert changed[leaf].after == pytest.approx(1.5 * changed[leaf].before)
    assert changed[()].difference == pytest.approx(sum(changed[leaf].difference for leaf in leaves))
    assert all(any(leaf[: len(path)] == path for leaf in leaves) for path in changed)


def test_what_only_one_side_has_is_as_wide_as_it_is_there() -> None:
    found = difference_of([view(operators())], [without("aten::mm")], Shape(), judge)
    gone = next(path for path in found.nodes if path and path[-1].text == "aten::mm")
    assert found.nodes[gone].after == 0.0
    assert found.tree(Layout.BEFORE).at(gone) is not None
    assert found.tree(Layout.AFTER).at(gone) is None
    both = found.tree(Layout.BOTH).at(gone)
    assert both is not None
    assert both.value == pytest.approx(found.nodes[gone].before / 2)


@pytest.mark.parametrize("layout", list(Layout))
def test_widths_add_up(layout: Layout) -> None:
    tree = difference_of([scaled(1.0)], [scaled(2.0)], Shape(), judge).tree(layout)
    for _, node in tree.walk():
        assert sum(child.value for child in node.children) <= node.value * (1 + 1e-9)


def test_a_side_without_windows_has_no_graph() -> None:
    assert difference_of([EMPTY_VIEW], [scaled(1.0)], Shape(), judge) is EMPTY
