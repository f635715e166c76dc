"""Operators as rows: for one module, with merged shapes, with rates."""

from __future__ import annotations

from dataclasses import replace

import pytest

from profilednn_tui.onednn.roofline import Bound, Peaks
from profilednn_tui.session.operator_rows import find_operator, merge_shapes, rated_operators
from profilednn_tui.session.view import Module, Operator, OperatorKey, Operators, Stack

PEAKS = Peaks(float32_gflops=100.0, bfloat16_gflops=200.0, bandwidth_gb_per_s=10.0, threads=2, torch="2.14.1")
SQUARE = OperatorKey("aten::mm", "[[1000, 1000], [1000, 1000]]", "float32")
SMALL = OperatorKey("aten::mm", "[[10, 10], [10, 10]]", "float32")


def operator(key: OperatorKey, ms: float, module: str = "net", backward: bool = False) -> Operator:
    return Operator(key, 2.0, ms * 1e6, ms * 1e6, ms / 100, backward, None, (module,), (site(module, ms, 2.0),))


def site(module: str, ms: float, calls: float) -> Stack:
    """A call site in a module."""
    return Stack((), (), module, calls, ms * 1e6, ms * 1e6)


def tree(*paths: str) -> tuple[Module, ...]:
    """Modules in tree order; the first is the root, whose name is not part of the others' paths."""
    root, *others = paths
    below = [Module(path, "Linear", 1 + path.count("."), 1.0, 1e6, 2e6, ()) for path in others]
    return (Module(root, root, 0, 1.0, 9e6, 9e6, tuple(others)), *below)


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
    both = Operators(
        rows=(operator(SQUARE, 80, "net.a"), operator(SMALL, 20, "net.b")), modules=tree("Net", "net.a", "net.b")
    )
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


def test_rows_of_a_module_include_those_below_it_and_a_root_has_all() -> None:
    rows = (operator(SQUARE, 80, "a.mm"), operator(SMALL, 20, "ab"))
    both = Operators(rows=rows, modules=tree("Net", "a", "a.mm", "ab"))
    assert [row.operator for row in rated_operators(both, "a")] == [rows[0]]
    assert len(rated_operators(both, "Net")) == 2
    assert rated_operators(both, "b") == ()


def test_a_row_of_a_module_is_the_part_that_ran_there() -> None:
    """Issue 18: each of four equal blocks listed the time of all four."""
    sites = tuple(site(f"blocks.{number}", 20 + number, 1.0) for number in range(4))
    whole = replace(operator(SQUARE, 86), modules=tuple(one.module for one in sites), stacks=sites, trend=1.5)
    operators = Operators(rows=(whole,), modules=tree("Net", *whole.modules), self_ns_per_step=100e6)

    (row,) = rated_operators(operators, "blocks.3")
    part = row.operator
    assert (part.calls_per_step, part.self_ns_per_step, part.share, part.trend) == (1.0, 23e6, 0.23, None)
    assert (part.modules, tuple(part.stacks)) == (("blocks.3",), sites[3:])
    assert row.gflops == pytest.approx(2e9 / 23e6), "one product"
    assert find_operator(operators, SQUARE, False, merged=False, module="blocks.3") == part
    (root,) = rated_operators(operators, "Net")
    assert root.operator is whole


def test_the_operator_of_a_row_is_found() -> None:
    both = Operators(rows=(operator(SQUARE, 80), operator(SMALL, 20)))
    assert find_operator(both, SMALL, False, merged=False) == both.rows[1]
    merged = find_operator(both, SMALL, False, merged=True)
    assert merged is not None
    assert merged.key.input_shapes == "2 shapes"
    assert find_operator(both, SMALL, True, merged=True) is None


def test_the_history_of_merged_shapes_is_that_of_their_sum() -> None:
    rows = (replace(operator(SQUARE, 80), history=(70, 80, None)), replace(operator(SMALL, 20), history=(30, 20, 10)))
    assert merge_shapes(rows)[0].history == (100, 100, None)


def test_the_history_of_merged_shapes_is_unknown_if_that_of_one_is() -> None:
    """A part of an operator in a module has none, while one that ran only there has."""
    rows = (replace(operator(SQUARE, 80), history=(70, 80)), replace(operator(SMALL, 20), history=()))
    assert merge_shapes(rows)[0].history == ()
