"""The lines around the screens: header, breadcrumb, keys, tabs."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import replace
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip

from profilednn_tui.session.view import EMPTY_VIEW, SessionView
from profilednn_tui.tui.keys import with_keys
from profilednn_tui.tui.panels.themed import Themed
from profilednn_tui.tui.present.dashboard import PANES
from profilednn_tui.tui.present.header import Display, finding_badge, header_lines
from profilednn_tui.tui.renderables.line import Line, width_of


class BarView(Themed, can_focus=False):
    """A few lines that never scroll; only changed lines are painted."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.bar_lines: Sequence[Line] = ()

    def show_lines(self, lines: Sequence[Line]) -> None:
        old, self.bar_lines = self.bar_lines, lines
        for y in range(self.size.height):
            if (lines[y] if y < len(lines) else None) != (old[y] if y < len(old) else None):
                self.refresh(Region(0, y, self.size.width, 1))

    def action_of(self, text: str, role: str) -> str | None:
        """The action that a click on this span runs."""
        return None

    def render_line(self, y: int) -> Strip:
        line = self.bar_lines[y] if y < len(self.bar_lines) else ()
        segments = []
        for text, role in line:
            style = self.palette.style(role)
            action = self.action_of(text, role)
            segments.append(Segment(text, style + Style.from_meta({"@click": action}) if action else style))
        return Strip(segments).adjust_cell_length(self.size.width, self.palette.base)


INPUT_HINT = "{input}"
"""Stands for its key where there is one: on the dashboard."""


class HeaderBar(BarView):
    """Name, state and the main figures."""

    def __init__(self) -> None:
        super().__init__(id="header")
        self._shown: tuple[SessionView, Display] = (EMPTY_VIEW, Display())

    def show(self, view: SessionView, display: Display) -> None:
        self._shown = (view, display)
        key = with_keys(self, INPUT_HINT)
        named = display if key == INPUT_HINT else replace(display, input_key=key)
        self.show_lines(header_lines(view, named, self.size.width))

    def on_resize(self) -> None:
        self.show(*self._shown)

    def action_of(self, text: str, role: str) -> str | None:
        finding = self._shown[1].finding
        return "app.advice" if finding and text == finding_badge(finding) else None


class BreadcrumbBar(BarView):
    """The path of a drill-down."""

    def show_path(self, places: Sequence[str]) -> None:
        spans = [(" ", "")]
        for index, place in enumerate(places):
            last = index == len(places) - 1
            spans.append((place, "bold" if last else "muted"))
            if not last:
                spans.append((" › ", "faint"))
        self.show_lines([tuple(spans)])


class TabsBar(BarView):
    """The panes by number, for terminals that show only a few at once."""

    TITLES: ClassVar[dict[str, str]] = dict(
        zip(PANES, ("Steps", "Ops", "Cores", "Threads", "Mem", "Output", "Modules", "Notes", "Run"), strict=True)
    )

    def show_tabs(self, focused: str | None, visible: Container[str], calling: Container[str]) -> None:
        """`calling`: the panes that want attention; those of them that are hidden get a mark."""
        spans = [(" ", "")]
        for number, pane in enumerate(PANES, start=1):
            title = f"{number} {self.TITLES[pane]}"
            if pane in visible:
                spans += [(title, "bold primary" if pane == focused else ""), ("  ", "")]
            elif pane in calling:
                spans += [(title, "bold warning"), ("! ", "bold warning")]
            else:
                spans += [(title, "faint"), ("  ", "")]
        self.show_lines([tuple(spans)])

    def action_of(self, text: str, role: str) -> str | None:
        return f"screen.pane({text[0]})" if text[:1].isdigit() else None


class KeysBar(BarView):
    """The keys that matter here; clicking one runs its action."""

    def __init__(self) -> None:
        super().__init__(id="keys")
        self._actions: dict[str, str] = {}

    def show_keys(self, keys: Iterable[tuple[str, str, str]]) -> None:
        """`keys`: (key, description, action), the most important first."""
        spans = [(" ", "")]
        used = 1
        self._actions = {}
        for key, description, action in keys:
            text = f"{key} {description}"
            if used + width_of(text) + 2 > self.size.width:
                break
            self._actions[key] = self._actions[f" {description}"] = action
            spans += [(key, "primary"), (f" {description}", "muted"), ("  ", "")]
            used += width_of(text) + 2
        self.show_lines([tuple(spans)])

    def action_of(self, text: str, role: str) -> str | None:
        return self._actions.get(text)
