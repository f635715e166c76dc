"""Search, pace, editor, theme, keys."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.theme import BUILTIN_THEMES, Theme

from profilednn_tui.errors import ProfilerError
from profilednn_tui.protocol.vocabulary import PHASES
from profilednn_tui.session.open_session import SourceFile
from profilednn_tui.tui import theme
from profilednn_tui.tui.editor import editor_command
from profilednn_tui.tui.panels.lines import MATCH, mark_matches
from profilednn_tui.tui.present.search import compile_pattern, matches, next_match
from profilednn_tui.tui.refresh_rate import FASTEST_S, SLOWEST_S, RefreshRate


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


def test_a_match_may_span_two_roles() -> None:
    pattern = compile_pattern("n::m")
    assert pattern is not None
    line = mark_matches((("aten::", "muted"), ("mm", "")), pattern)
    assert line == (("ate", "muted"), ("n::", MATCH), ("m", MATCH), ("m", ""))


def test_cheap_rounds_follow_fast_and_expensive_ones_stretch() -> None:
    refresh_rate = RefreshRate()
    assert refresh_rate.next_interval_s(0.001, None) == FASTEST_S
    for _ in range(20):
        interval_s = refresh_rate.next_interval_s(0.01, 60.0)
    assert interval_s == pytest.approx(0.5, rel=0.05)
    for _ in range(20):
        interval_s = refresh_rate.next_interval_s(0.5, 60.0)
    assert interval_s == SLOWEST_S


def test_where_all_cores_are_busy_a_look_costs_the_training_and_comes_less_often() -> None:
    beside, instead = RefreshRate(), RefreshRate()
    for _ in range(20):
        short_s, long_s = beside.next_interval_s(0.01, None), instead.next_interval_s(0.01, 20.0)
    assert long_s == pytest.approx(4 * short_s)


def editor(directory: Path, name: str) -> dict[str, str]:
    program = directory / name
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return {"EDITOR": name, "PATH": str(directory)}


@pytest.mark.parametrize(
    ("name", "arguments"), [("vim", ["+7", "FILE"]), ("code", ["--goto", "FILE:7"]), ("hx", ["FILE:7"])]
)
def test_editors_open_at_the_line(tmp_path: Path, name: str, arguments: list[str]) -> None:
    file = tmp_path / "model.py"
    file.write_text("x = 1\n")
    command = editor_command(editor(tmp_path, name), SourceFile(str(file), path=file), 7)
    assert command == [name, *(part.replace("FILE", str(file)) for part in arguments)]


def test_visual_wins_and_may_have_arguments(tmp_path: Path) -> None:
    file = tmp_path / "model.py"
    file.write_text("x = 1\n")
    environment = editor(tmp_path, "emacs") | {"VISUAL": "emacs -nw"}
    assert editor_command(environment, SourceFile(str(file), path=file), 0) == ["emacs", "-nw", "+1", str(file)]


def test_each_reason_why_no_editor_opens_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ProfilerError, match="export EDITOR"):
        editor_command({}, SourceFile("model.py"), 1)
    with pytest.raises(ProfilerError, match="not found"):
        editor_command({"EDITOR": "no-such-editor", "PATH": str(tmp_path)}, SourceFile("model.py"), 1)
    with pytest.raises(ProfilerError, match="not on this machine"):
        editor_command(editor(tmp_path, "vi"), SourceFile("gone.py"), 1)
    with pytest.raises(ProfilerError, match="somebody else's"):
        editor_command(editor(tmp_path, "vi"), SourceFile("a.py", path=tmp_path, foreign="It is somebody else's."), 1)
    with pytest.raises(ProfilerError, match="quote"):
        editor_command({"EDITOR": "vi 'x", "PATH": str(tmp_path)}, SourceFile("model.py"), 1)


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({}, "profilednn-dark"),
        ({"COLORFGBG": "0;15"}, "profilednn-light"),
        ({"COLORFGBG": "15;0"}, "profilednn-dark"),
        ({"NO_COLOR": ""}, "ansi-dark"),
        ({"TEXTUAL_THEME": "nord"}, "nord"),
    ],
)
def test_the_first_theme_follows_the_terminal(environment: dict[str, str], name: str) -> None:
    assert theme.first_theme(environment) == name


@pytest.mark.parametrize("one", [theme.DARK, theme.LIGHT, *BUILTIN_THEMES.values()], ids=lambda one: one.name)
def test_every_theme_has_a_style_for_every_role(one: Theme) -> None:
    variables = {**theme.phase_variables(one), **one.to_color_system().generate(), **one.variables}
    palette = theme.Palette(variables, one.ansi)
    for phase in PHASES:
        assert palette.style(f"phase-{phase}").color is not None
    for role in ("muted", "faint", "bold primary", "primary on track", "ansi_red", "ansi_208 on #102030", "nonsense"):
        palette.style(role)
    assert palette.style("muted") != palette.style("")
    assert palette.cursor(focused=True) != palette.cursor(focused=False)
