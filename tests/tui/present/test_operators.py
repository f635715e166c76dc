"""The table of operators."""

from __future__ import annotations

from dataclasses import replace

import pytest

from profilednn_tui.onednn.roofline import Peaks
from profilednn_tui.session.view import (
    Operator,
    OperatorKey,
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


def test_rows_of_a_module_include_those_below_it() -> None:
    merged = Operators(
        rows=(operator("aten::mm", 5, modules=("net.fc",)), operator("aten::conv", 9, modules=("net.a.conv",)))
    )
    assert [row.key.name for row in operators.operator_rows(merged, "net.a")] == ["aten::conv"]
    assert len(operators.operator_rows(merged, "net")) == 2
    assert operators.operator_rows(merged, "ne") == ()


def test_bars_are_relative_to_the_hottest_and_decimals_are_the_same_in_all_rows() -> None:
    rows = operators.operator_rows(Operators(rows=(operator("a", 80), operator("b", 0.02))))
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


def product(total_ms: float, calls: float = 2.0) -> Operator:
    key = OperatorKey("aten::mm", "[[1000, 1000], [1000, 1000]]", "float32")
    return replace(operator("aten::mm", total_ms), key=key, calls_per_step=calls, total_ns_per_step=total_ms * 1e6)


def test_rates_stand_against_the_peaks() -> None:
    peaks = Peaks(float32_gflops=100.0, bfloat16_gflops=200.0, bandwidth_gb_per_s=10.0, threads=2, torch="2.14.1")
    rows = operators.operator_rows(Operators(rows=(product(80.0), operator("aten::relu", 5))), peaks=peaks)
    assert rows[0].gflops == 50.0, "2 calls of 2e9 operations in 80 ms"
    assert rows[0].placed is not None
    assert rows[0].placed.peak_share == 0.5
    assert rows[0].placed.bound.value == "compute"
    assert rows[1].gflops is None
    assert rows[1].placed is None


def test_merged_shapes_add_their_work() -> None:
    two = Operators(rows=(product(80.0), replace(product(20.0), key=OperatorKey("aten::mm", "[[10, 10], [10, 10]]"))))
    (row,) = operators.operator_rows(two, merged=True)
    assert row.gflops == pytest.approx((4e9 + 4e3) / 100e6)


def test_without_peaks_there_is_a_rate_alone() -> None:
    (row,) = operators.operator_rows(Operators(rows=(product(80.0),)))
    assert (row.gflops, row.placed) == (50.0, None)


def test_below_the_table_stands_what_it_is_of() -> None:
    merged = Operators(windows=(3, 4), steps=(3, 5), self_ns_per_step=12e6)
    assert operators.note(merged, 38) == "38 operators · 12.0 ms a step · median of 2 windows"
    alone = Operators(windows=(3,), steps=(5,), self_ns_per_step=12e6, truncated=True)
    assert operators.note(alone, 38) == "top 38 operators · 12.0 ms a step · window 3"
    gap = replace(merged, gap_ns_per_step=1e6)
    assert operators.note(gap, 38).endswith("median of 2 windows · rows add up to 11.0")


def test_operators_of_another_pace_are_said_to_be() -> None:
    stale = Operators(windows=(3, 4), steps=(3, 5), self_ns_per_step=12e6, since=PaceChange(12e6, 31e6))
    words = "windows at steps 3 and 5; steps have since grown from 12.0 ms to 31.0 ms"
    assert operators.note(stale, 38) == f"{words} · 38 operators · 12.0 ms a step"
