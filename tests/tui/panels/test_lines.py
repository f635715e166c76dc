"""Searchable lines."""

from __future__ import annotations

from profilednn_tui.tui.panels.lines import MATCH, mark_matches
from profilednn_tui.tui.present.search import compile_pattern


def test_a_match_may_span_two_roles() -> None:
    pattern = compile_pattern("n::m")
    assert pattern is not None
    line = mark_matches((("aten::", "muted"), ("mm", "")), pattern)
    assert line == (("ate", "muted"), ("n::", MATCH), ("m", MATCH), ("m", ""))
