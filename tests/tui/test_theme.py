"""Themes and text roles."""

from __future__ import annotations

import pytest
from rich.style import Style
from textual.color import Color
from textual.theme import BUILTIN_THEMES, Theme

from profilednn_tui.protocol.vocabulary import PHASES
from profilednn_tui.tui import theme
from tests.tui import colours


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


OWN = pytest.mark.parametrize("one", [theme.DARK, theme.LIGHT], ids=lambda one: one.name)
TEXT = ("", "muted", "faint", "bold", "primary", "accent", "warning", "error", "success", "quiet")
"""Roles of text on the background."""
BADGES = ("background on primary", "background on warning", "primary on track")
LEAST_DISTANCE = 19.0
"""Delta E*ab of colours that have to be told apart, eight times the just noticeable difference."""


def palette_of(one: Theme) -> theme.Palette:
    return theme.Palette({**theme.own_variables(one), **one.to_color_system().generate(), **one.variables}, one.ansi)


def contrast_in(style: Style) -> float:
    assert style.color is not None
    assert style.bgcolor is not None
    return colours.contrast(Color.from_rich_color(style.color), Color.from_rich_color(style.bgcolor))


@OWN
@pytest.mark.parametrize("role", [*TEXT, *BADGES])
def test_text_is_readable(one: Theme, role: str) -> None:
    """Faint text had a contrast of 2.7. 4.5 is the least of WCAG 2.2, success criterion 1.4.3."""
    assert contrast_in(palette_of(one).style(role)) >= 4.5


@OWN
@pytest.mark.parametrize("focused", [True, False])
@pytest.mark.parametrize("role", [*TEXT, *(f"phase-{phase}" for phase in PHASES)])
def test_text_under_the_cursor_is_readable(one: Theme, focused: bool, role: str) -> None:
    assert contrast_in(palette_of(one).cursor(role, focused)) >= 4.5


@pytest.mark.parametrize(
    "one", [other for other in BUILTIN_THEMES.values() if not other.ansi], ids=lambda one: one.name
)
@pytest.mark.parametrize("role", ["muted", "faint"])
def test_quiet_text_is_readable_in_a_theme_of_textual_whose_text_is(one: Theme, role: str) -> None:
    palette = palette_of(one)
    assert contrast_in(palette.style(role)) >= min(4.5, contrast_in(palette.style("")))


@OWN
@pytest.mark.parametrize("vision", ["NORMAL", "PROTANOPIA", "DEUTERANOPIA"])
def test_phases_and_verdicts_are_told_apart_by_every_reader(one: Theme, vision: str) -> None:
    """Forward and backward, and warning and success, were alike for red-green-blind readers."""
    style = palette_of(one).style
    for names in ([f"phase-{phase}" for phase in PHASES], ["primary", "warning", "error", "success"]):
        seen = {name: Color.from_rich_color(color) for name in names if (color := style(name).color)}
        assert len(seen) == len(names)
        distance, pair = colours.nearest(seen, getattr(colours, vision))
        assert distance >= LEAST_DISTANCE, pair


@pytest.mark.parametrize(("one", "other", "ratio"), [("#000000", "#ffffff", 21.0), ("#777777", "#ffffff", 4.48)])
def test_the_contrast_is_that_of_wcag(one: str, other: str, ratio: float) -> None:
    assert theme.contrast(Color.parse(one), Color.parse(other)) == pytest.approx(ratio, abs=0.01)
    assert colours.contrast(Color.parse(one), Color.parse(other)) == pytest.approx(ratio, abs=0.01)
