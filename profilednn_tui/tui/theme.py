"""Colours: two themes of our own, the meaning of roles under any theme, and which theme to start with."""

from __future__ import annotations

from collections.abc import Mapping

from rich.color import Color as RichColor
from rich.color import ColorParseError
from rich.style import Style
from textual.color import Color
from textual.color import ColorParseError as ThemeColorError
from textual.theme import Theme

from profilednn_tui.protocol.vocabulary import PHASES

# Phases differ from each other, as do the four roles, by a Delta E of 19 or more, also for readers with protanopia or
# deuteranopia, and all of them are readable text on the background: `test_theme.py` computes both.
DARK = Theme(
    name="profilednn-dark",
    primary="#74b7fe",
    secondary="#8b98a8",
    accent="#74b7fe",
    warning="#d8a838",
    error="#ea6c5e",
    success="#8ce293",
    foreground="#cdd5df",
    background="#12161c",
    surface="#181d24",
    panel="#1f262f",
    variables={
        "border": "#74b7fe",
        "border-blurred": "#2d3641",
        "phase-data": "#d3a54a",
        "phase-forward": "#6caae5",
        "phase-loss": "#6bc1b7",
        "phase-backward": "#7675d9",
        "phase-optimizer": "#89ca7f",
        "phase-communication": "#f0f0d8",
        "phase-inference": "#c5797b",
        "phase-other": "#7c7e96",
    },
)

LIGHT = Theme(
    name="profilednn-light",
    primary="#0063b5",
    secondary="#5d6875",
    accent="#0063b5",
    warning="#986909",
    error="#a20021",
    success="#1f7e48",
    foreground="#24292f",
    background="#fbfbfa",
    surface="#f3f4f5",
    panel="#e6e9ec",
    dark=False,
    variables={
        "border": "#0063b5",
        "border-blurred": "#cfd5db",
        "phase-data": "#a26600",
        "phase-forward": "#4c72ac",
        "phase-loss": "#005847",
        "phase-backward": "#765ecf",
        "phase-optimizer": "#2f8041",
        "phase-communication": "#a800f0",
        "phase-inference": "#67001d",
        "phase-other": "#717280",
    },
)

_PHASE_FALLBACK = dict(
    zip(PHASES, ("warning", "primary", "success", "secondary", "accent", "foreground", "error", "panel"), strict=True)
)
"""Sources of the phases' colours in a theme that does not define them."""

_QUIET = {"muted": 0.7, "faint": 0.5}
"""Roles that mix this much of the foreground colour into the background, or as much as it takes to be readable."""

READABLE = 4.5
"""Least contrast of text: WCAG 2.2, success criterion 1.4.3."""

_ATTRIBUTES = frozenset({"bold", "dim", "italic", "underline", "reverse"})


def contrast(one: Color, other: Color) -> float:
    """The contrast ratio of two colours, 1 to 21: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: Color) -> float:
    red, green, blue = (x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in colour.normalized)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def readable(colour: Color, paper: Color, ink: Color) -> Color:
    """The colour, moved towards `ink` as far as it takes to be readable on `paper`."""
    mixtures = (colour.blend(ink, part / 50) for part in range(50))
    return next((mixture for mixture in mixtures if contrast(mixture, paper) >= READABLE), ink)


def own_variables(theme: Theme) -> dict[str, str]:
    """Our own names of colours, for a theme that does not define them."""
    generated = theme.to_color_system().generate()
    fallback = {f"phase-{phase}": generated[name] for phase, name in _PHASE_FALLBACK.items()}
    fallback["quiet"] = generated["foreground-muted"] if theme.ansi else _quiet(generated, "muted").hex
    if theme.ansi:
        fallback["phase-other"] = "ansi_bright_black"
        fallback["phase-loss"] = "ansi_magenta"
    return fallback


def _quiet(variables: Mapping[str, str], role: str) -> Color:
    ink, paper = Color.parse(variables["foreground"]), Color.parse(variables["background"])
    return readable(paper.blend(ink, _QUIET[role]), paper, ink)


def first_theme(environment: Mapping[str, str], remembered: str = "") -> str:
    """The theme to start with: the user's choice; with NO_COLOR, the terminal's own; else that which was chosen last,
    or by the terminal's background."""
    if chosen := environment.get("TEXTUAL_THEME"):
        return chosen
    light = environment.get("COLORFGBG", "").rpartition(";")[2] in ("7", "15")
    if "NO_COLOR" in environment:
        return "ansi-light" if light else "ansi-dark"
    return remembered or (LIGHT.name if light else DARK.name)


class Palette:
    """Turns roles (see `renderables.line`) into styles under one theme."""

    def __init__(self, variables: Mapping[str, str], ansi: bool) -> None:
        self._variables = variables
        self._ansi = ansi
        self._styles: dict[str, Style] = {}
        self._cursor_styles: dict[tuple[str, bool], Style] = {}
        self.base = Style(color=self._colour("foreground"), bgcolor=self._colour("background"))

    def style(self, role: str) -> Style:
        """The style of a role, complete with both colours."""
        style = self._styles.get(role)
        if style is None:
            style = self._styles[role] = self.base + self._parse(role)
        return style

    def cursor(self, role: str, focused: bool) -> Style:
        """The style of a role in the row under the cursor."""
        style = self._cursor_styles.get((role, focused))
        if style is None:
            style = self._cursor_styles[role, focused] = self._under_cursor(self.style(role), focused)
        return style

    def _under_cursor(self, style: Style, focused: bool) -> Style:
        if self._ansi:
            return style + (Style(reverse=True) if focused else Style(bold=True))
        # A tint instead of the theme's block cursor, which may have the same colour as text on it.
        name, part = ("primary", 0.28) if focused else ("foreground", 0.07)
        ink, paper = Color.parse(self._variables["foreground"]), Color.parse(self._variables["background"])
        tint = paper.blend(Color.parse(self._variables[name]), part)
        assert style.color is not None
        text = readable(Color.from_rich_color(style.color), tint, ink)
        return style + Style(color=text.rich_color, bgcolor=tint.rich_color)

    def _parse(self, role: str) -> Style:
        colours: list[RichColor | None] = [None, None]
        attributes: dict[str, bool] = {}
        side = 0
        for word in role.split():
            if word == "on":
                side = 1
            elif word in _ATTRIBUTES:
                attributes[word] = True
            elif word in _QUIET and self._ansi:
                attributes["dim"] = True
            else:
                colours[side] = self._colour(word)
        return Style(color=colours[0], bgcolor=colours[1], **attributes)  # type: ignore[arg-type]

    def _colour(self, name: str) -> RichColor | None:
        if name == "track":
            return None if self._ansi else self._colour("panel")
        if name in _QUIET:
            return _quiet(self._variables, name).rich_color
        try:
            if name in self._variables:
                colour = Color.parse(self._variables[name])
                if colour.a < 1 and not self._ansi:
                    colour = Color.parse(self._variables["background"]) + colour
                return colour.rich_color if colour.a or colour.ansi is not None else None
            return RichColor.parse(_terminal_name(name))
        except (ThemeColorError, ColorParseError):
            return None


def _terminal_name(name: str) -> str:
    """Colours that the target chose itself: ``ansi_red``, ``ansi_208``, ``#d08770``."""
    ansi = name.removeprefix("ansi_")
    return f"color({ansi})" if ansi.isdigit() else ansi
