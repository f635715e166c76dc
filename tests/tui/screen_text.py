"""The contents of the screen, or of a pane, as text."""

from __future__ import annotations

from collections.abc import Iterable

from profilednn_tui.tui.app import ProfilerApp
from profilednn_tui.tui.renderables.line import Line, plain


def screen_lines(app: ProfilerApp) -> list[str]:
    """The lines of the terminal."""
    width, height = app.size
    lines = app.screen._compositor.render_strips(app.size)
    assert len(lines) == height
    assert all(line.cell_length == width for line in lines)
    return [line.text for line in lines]


def screen_text(app: ProfilerApp) -> str:
    return "\n".join(screen_lines(app))


def lines_text(lines: Iterable[Line]) -> str:
    """The lines that a pane would show."""
    return "\n".join(plain(line) for line in lines)
