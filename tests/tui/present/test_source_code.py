"""Source lines and their cost."""

from __future__ import annotations

from profilednn_tui.session.view import (
    Operators,
)
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
