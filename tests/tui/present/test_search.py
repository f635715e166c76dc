"""Searching in rows and lines."""

from __future__ import annotations

from profilednn_tui.tui.present.search import compile_pattern, matches, next_match


def test_search_is_a_regular_expression_or_else_text_and_capitals_count_when_used() -> None:
    names = ("aten::mm", "aten::Add", "a(b")
    assert matches(compile_pattern("add|mm"), names) == (0, 1)
    assert matches(compile_pattern("Add"), names) == (1,)
    assert matches(compile_pattern("ADD"), names) == ()
    assert matches(compile_pattern("a("), names) == (2,)
    assert matches(compile_pattern(""), names) == ()


def test_matches_go_round_at_the_ends() -> None:
    found = (2, 5, 9)
    assert next_match(found, 5, 1) == 9
    assert next_match(found, 9, 1) == 2
    assert next_match(found, 5, 0) == 5
    assert next_match(found, 2, -1) == 9
    assert next_match((), 2, 1) is None
