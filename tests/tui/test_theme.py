"""Themes and text roles."""

from __future__ import annotations

import pytest
from textual.theme import BUILTIN_THEMES, Theme

from profilednn_tui.protocol.vocabulary import PHASES
from profilednn_tui.tui import theme


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
    variables = {**theme.own_variables(one), **one.to_color_system().generate(), **one.variables}
    palette = theme.Palette(variables, one.ansi)
    for phase in PHASES:
        assert palette.style(f"phase-{phase}").color is not None
    for role in ("muted", "faint", "bold primary", "primary on track", "ansi_red", "ansi_208 on #102030", "nonsense"):
        palette.style(role)
    assert palette.style("muted") != palette.style("")
    assert palette.cursor("", focused=True) != palette.cursor("", focused=False)
