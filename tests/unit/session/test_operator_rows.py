"""Operators as rows: for one module, with merged shapes, with rates."""

from __future__ import annotations

from dataclasses import replace

import pytest

from profilednn_tui.onednn.roofline import Bound, Peaks
from profilednn_tui.session.operator_rows import find_operator, merge_shapes, rated_operators
from profilednn_tui.session.view import Operator, OperatorKey, Operators

PEAKS = Peaks(float32_gflops=100.0, bfloat16_gflops=200.0, bandwidth_gb_per_s=10.0, threads=2, torch="2.14.1")
SQUARE = OperatorKey("aten::mm", "[[1000, 1000], [1000, 1000]]", "float32")
SMALL = OperatorKey("aten::mm", "[[10, 10], [10, 10]]", "float32")


def operator(key: OperatorKey, ms: float, module: str = "net", backward: bool = False) -> Operator:
    return Operator(key, 2.0, ms * 1e6, ms * 1e6, ms / 100, backward, None, (module,), ())


def test_rates_stand_against_the_peaks() -> None:
    relu = operator(OperatorKey("aten::relu", "[[8]]", "float32"), 5)
    product, other = rated_operators(Operators(rows=(operator(SQUARE, 80), relu)), peaks=PEAKS)
    assert product.gflops == 50.0, "2 calls of 2e9 operations in 80 ms"
    assert product.point is not None
    assert (product.point.peak_share, product.point.bound) == (0.5, Bound.COMPUTE)
    assert (other.gflops, other.point) == (None, None)


def test_without_peaks_there_is_a_rate_alone() -> None:
    (row,) = rated_operators(Operators(rows=(operator(SQUARE, 80),)))
    assert (row.gflops, row.point) == (50.0, None)


def test_merged_shapes_add_their_times_and_their_work() -> None:
    two = Operators(rows=(operator(SQUARE, 80, "net.a"), operator(SMALL, 20, "net.b")))
    (row,) = rated_operators(two, merged=True)
    assert row.gflops == pytest.approx((4e9 + 4e3) / 100e6)
    assert row.operator.key == OperatorKey("aten::mm", "2 shapes", "float32")
    assert (row.operator.self_ns_per_step, row.operator.modules) == (100e6, ("net.a", "net.b"))


def test_merged_rows_of_a_module_have_the_work_of_that_module_alone() -> None:
    # Found by reading: the work of the whole model stood against the time of one module.
    both = Operators(rows=(operator(SQUARE, 80, "net.a"), operator(SMALL, 20, "net.b")))
    (row,) = rated_operators(both, "net.b", merged=True)
    (alone,) = rated_operators(Operators(rows=(operator(SMALL, 20, "net.b"),)), merged=True)
    assert row.gflops == alone.gflops


def test_a_merged_row_with_an_operator_of_unknown_work_has_no_rate() -> None:
    unknown = OperatorKey(SQUARE.name, "")
    (row,) = rated_operators(Operators(rows=(operator(SQUARE, 80), operator(unknown, 20))), merged=True)
    assert row.gflops is None


def test_forward_and_backward_are_not_merged() -> None:
    rows = (operator(SMALL, 20), operator(SQUARE, 80, backward=True))
    assert merge_shapes(rows) == (rows[1], rows[0]), "most self time first"


def test_the_trend_of_merged_shapes_is_that_of_their_sum() -> None:
    rows = (replace(operator(SQUARE, 80), trend=2.0), replace(operator(SMALL, 20), trend=1.0))
    assert merge_shapes(rows)[0].trend == pytest.approx(100 / 60)


def test_rows_of_a_module_include_those_below_it() -> None:
    rows = (operator(SQUARE, 80, "net.a.mm"), operator(SMALL, 20, "net.b"))
    assert [row.operator for row in rated_operators(Operators(rows=rows), "net.a")] == [rows[0]]
    assert len(rated_operators(Operators(rows=rows), "net")) == 2
    assert rated_operators(Operators(rows=rows), "ne") == ()


def test_the_operator_of_a_row_is_found() -> None:
    both = Operators(rows=(operator(SQUARE, 80), operator(SMALL, 20)))
    assert find_operator(both, SMALL, False, merged=False) == both.rows[1]
    merged = find_operator(both, SMALL, False, merged=True)
    assert merged is not None
    assert merged.key.input_shapes == "2 shapes"
    assert find_operator(both, SMALL, True, merged=True) is None
