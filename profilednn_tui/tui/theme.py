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

DARK = Theme(
    name="profilednn-dark",
    primary="#6cb6ff",
    secondary="#8b98a8",
    accent="#6cb6ff",
    warning="#e3b341",
    error="#f47067",
    success="#8ddb8c",
    foreground="#cdd5df",
    background="#12161c",
    surface="#181d24",
    panel="#1f262f",
    variables={
        "border": "#6cb6ff",
        "border-blurred": "#2d3641",
        "phase-data": "#d9a95b",
        "phase-forward": "#5b9fe0",
        "phase-loss": "#4fb3a9",
        "phase-backward": "#a48be0",
        "phase-optimizer": "#7fb86f",
        "phase-inference": "#d98aa5",
        "phase-other": "#566270",
    },
)

LIGHT = Theme(
    name="profilednn-light",
    primary="#0b62b8",
    secondary="#5d6875",
    accent="#0b62b8",
    warning="#9a6700",
    error="#c02a2f",
    success="#23782f",
    foreground="#24292f",
    background="#fbfbfa",
    surface="#f3f4f5",
    panel="#e6e9ec",
    dark=False,
    variables={
        "border": "#0b62b8",
        "border-blurred": "#cfd5db",
        "phase-data": "#c78a2c",
        "phase-forward": "#3d86cc",
        "phase-loss": "#2f9c91",
        "phase-backward": "#8668cf",
        "phase-optimizer": "#5d9b4c",
        "phase-inference": "#bd5c7d",
        "phase-other": "#98a2ad",
    },
)

_PHASE_FALLBACK = dict(
    zip(PHASES, ("warning", "primary", "success", "secondary", "accent", "error", "panel"), strict=True)
)
"""Sources of the phases' colours in a theme that does not define them."""

_QUIET = {"muted": 0.62, "faint": 0.38}
"""Roles that mix this much of the foreground colour into the background."""

_ATTRIBUTES = frozenset({"bold", "dim", "italic", "underline", "reverse"})


def phase_variables(theme: Theme) -> dict[str, str]:
    """The phases' colours for a theme that does not define them."""
    generated = theme.to_color_system().generate()
    fallback = {f"phase-{phase}": generated[name] for phase, name in _PHASE_FALLBACK.items()}
    if theme.ansi:
        fallback["phase-other"] = "ansi_bright_black"
        fallback["phase-loss"] = "ansi_magenta"
    return fallback


def first_theme(environment: Mapping[str, str]) -> str:
    """The theme to start with: the user's choice; with NO_COLOR, the terminal's own; else by its background."""
    if chosen := environment.get("TEXTUAL_THEME"):
        return chosen
    light = environment.get("COLORFGBG", "").rpartition(";")[2] in ("7", "15")
    if "NO_COLOR" in environment:
        return "ansi-light" if light else "ansi-dark"
    return LIGHT.name if light else DARK.name


class Palette:
    """Turns roles (see `renderables.line`) into styles under one theme."""

    def __init__(self, variables: Mapping[str, str], ansi: bool) -> None:
        self._variables = variables
        self._ansi = ansi
        self._styles: dict[str, Style] = {}
        self.base = Style(color=self._colour("foreground"), bgcolor=self._colour("background"))

    def style(self, role: str) -> Style:
        """The style of a role, complete with both colours."""
        style = self._styles.get(role)
        if style is None:
            style = self._styles[role] = self.base + self._parse(role)
        return style

    def cursor(self, focused: bool) -> Style:
        """The style laid over the row under the cursor."""
        if self._ansi:
            return Style(reverse=True) if focused else Style(bold=True)
        # A tint instead of the theme's block cursor, which may have the same colour as text on it.
        name, part = ("primary", 0.28) if focused else ("foreground", 0.07)
        paper, tint = Color.parse(self._variables["background"]), Color.parse(self._variables[name])
        return Style(bgcolor=paper.blend(tint, part).rich_color)

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
            ink, paper = Color.parse(self._variables["foreground"]), Color.parse(self._variables["background"])
            return paper.blend(ink, _QUIET[name]).rich_color
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
