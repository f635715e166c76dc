"""The operator table."""

from __future__ import annotations

from dataclasses import replace

import pytest

from profilednn_tui.onednn.roofline import Bound, RooflinePoint
from profilednn_tui.session.operator_rows import RatedOperator, rated_operators
from profilednn_tui.session.view import (
    Operators,
    PaceChange,
)
from profilednn_tui.tui.present import operators
from profilednn_tui.tui.renderables.line import plain
from tests.tui.feeds import operator


def test_shapes_are_short_and_scalars_left_out() -> None:
    assert operators.compact_shapes("[[32, 3, 8, 8], [8, 3, 3, 3], []]") == "32×3×8×8  8×3×3×3"
    assert operators.compact_shapes("[[[64, 10], [64, 20]], []]") == "64×10  64×20"
    assert operators.compact_shapes("") == ""


def test_bars_are_relative_to_the_hottest_and_decimals_are_the_same_in_all_rows() -> None:
    rows = operators.operator_rows(rated_operators(Operators(rows=(operator("a", 80), operator("b", 0.02)))))
    assert [row.bar for row in rows] == [1.0, pytest.approx(0.00025)]
    assert {row.decimals for row in rows} == {2}


@pytest.mark.parametrize(
    ("trend", "shown"), [(None, ""), (1.03, ""), (1.18, "▲ 18 %"), (0.8, "▼ 20 %"), (2.4, "▲ 2.40x")]
)
def test_a_trend_shows_only_changes_that_matter(trend: float | None, shown: str) -> None:
    assert plain(operators.trend_line(trend)) == shown


def test_the_namespace_leaves_a_narrow_column() -> None:
    assert plain(operators.name_line("aten::mm", 40)) == "aten::mm"
    assert plain(operators.name_line("aten::mm", 20)) == "mm"
    assert plain(operators.name_line("torchvision::nms", 20)) == "torchvision::nms"


def cells(row: operators.OperatorRow) -> dict[str, str]:
    return {column.title: plain(column.cell(row, 8)) for column in operators.COLUMNS}


def test_rates_stand_in_columns_of_their_own() -> None:
    point = RooflinePoint(50.0, 1.0, 40.0, 0.5, 0.51, Bound.COMPUTE)
    rated = (RatedOperator(operator("aten::mm", 80), 50.04, point), RatedOperator(operator("aten::relu", 5)))
    product, other = map(cells, operators.operator_rows(rated))
    assert (product["GFLOP/s"], product["peak %"], product["bound"]) == ("50.0", "51.0", "compute")
    assert (other["GFLOP/s"], other["peak %"], other["bound"]) == ("", "", "")


def test_below_the_table_stands_what_it_is_of() -> None:
    merged = Operators(windows=(3, 4), steps=(3, 5), self_ns_per_step=12e6)
    assert operators.note(merged, 38) == "38 operators · 12.0 ms per step · median of 2 windows"
    alone = Operators(windows=(3,), steps=(5,), self_ns_per_step=12e6, truncated=True)
    assert operators.note(alone, 38) == "top 38 operators · 12.0 ms per step · window 3"
    gap = replace(merged, gap_ns_per_step=1e6)
    assert operators.note(gap, 38).endswith("median of 2 windows · rows add up to 11.0")


def test_operators_of_another_pace_are_said_to_be() -> None:
    stale = Operators(windows=(3, 4), steps=(3, 5), self_ns_per_step=12e6, since=PaceChange(12e6, 31e6))
    words = "windows at steps 3 and 5; steps have since grown from 12.0 ms to 31.0 ms"
    assert operators.note(stale, 38) == f"{words} · 38 operators · 12.0 ms per step"


def test_a_node_of_the_autograd_engine_shows_its_own_name() -> None:
    """Issue 18: forty rows read "autograd::engine::evaluate_function"."""
    name = "autograd::engine::evaluate_function: MmBackward0"
    assert plain(operators.name_line(name, 22)) == "MmBackward0 node"
    assert plain(operators.name_line(name, 12)) == "MmBack… node"
    assert plain(operators.name_line("MmBackward0", 22)) == "MmBackward0"


@pytest.mark.parametrize(
    ("phase", "shown"),
    [
        ("data", "data"),
        ("forward", "fwd"),
        ("loss", "loss"),
        ("optimizer", "opt"),
        ("inference", "eval"),
        ("other", ""),
    ],
)
def test_the_pass_is_the_phase(phase: str, shown: str) -> None:
    (row,) = operators.operator_rows(rated_operators(Operators(rows=(replace(operator("a", 80), phase=phase),))))
    column = next(column for column in operators.COLUMNS if column.title == "pass")
    assert plain(column.cell(row, 4)) == shown


def test_what_autograd_runs_is_backward_and_old_recordings_tell_the_rest_by_its_module() -> None:
    closure = replace(operator("a", 1, backward=True), phase="optimizer")
    assert operators.pass_phase(closure) == "backward"
    assert operators.pass_phase(operator("a", 1)) == "forward"
    assert operators.pass_phase(replace(operator("a", 1), modules=())) == ""


@pytest.mark.parametrize(
    ("history", "width", "shown"),
    [
        ((10, 20, 40), 3, "▃▅█"),
        ((10, 20, 40), 6, "   ▃▅█"),
        ((99, 10, 20, 40), 3, "▃▅█"),
        ((0, None, 40), 3, "▁ █"),
        ((7, 7), 2, "██"),
        ((0, 0), 2, ""),
        ((), 4, ""),
    ],
)
def test_a_history_begins_at_zero_and_ends_with_the_newest_window(
    history: tuple[int | None, ...], width: int, shown: str
) -> None:
    assert plain(operators.history_line(history, width)) == shown
