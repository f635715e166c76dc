"""Source lines and their cost."""

from __future__ import annotations

from profilednn_tui.session.view import Frame, Operators, OutsideTime
from profilednn_tui.tui.present import source_code
from profilednn_tui.tui.renderables.line import plain
from tests.tui.feeds import operator


def test_a_line_costs_what_is_called_from_it_and_backward_counts_at_its_forward_line() -> None:
    merged = Operators(rows=(operator("aten::mm", 5), operator("aten::mm_backward", 7, backward=True)))
    assert source_code.line_costs(merged, "/home/me/model.py") == {4: 12e6}
    assert source_code.line_costs(merged, "/elsewhere.py") == {}


def test_highlighting_keeps_the_text_line_by_line() -> None:
    code = ("def f(x):", '    """Two', '    lines."""', "", "    return x  # done")
    assert [plain(line) for line in source_code.highlight(code)] == list(code)
    assert ("def", "phase-backward") in source_code.highlight(code)[0]


def test_waiting_for_data_counts_at_the_line_that_asks_for_it() -> None:
    """Issue 18: in a data-bound loop, an innocent line was the hot one."""
    loop = Frame("/home/me/train.py", 9, "main")
    waits = OutsideTime((loop, Frame("/usr/lib/python3/site-packages/torch/utils/data.py", 7, "__next__")), 90e6)
    operators = Operators(rows=(operator("aten::mm", 5),), outside=(waits,), profiled_step_ns=100e6)
    assert source_code.line_costs(operators, "/home/me/train.py") == {9: 90e6, 12: 5e6}
    assert source_code.whole(operators) == (100e6, "the profiled step")


def test_without_the_time_outside_of_operators_shares_are_of_the_operators() -> None:
    operators = Operators(rows=(operator("aten::mm", 5),), self_ns_per_step=8e6, profiled_step_ns=100e6)
    assert source_code.whole(operators) == (8e6, "all operators")
