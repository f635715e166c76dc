"""What is on the screen, as text."""

from __future__ import annotations

from profilednn_tui.tui.app import ProfilerApp


def screen_lines(app: ProfilerApp) -> list[str]:
    """The lines of the terminal."""
    width, height = app.size
    lines = app.screen._compositor.render_strips(app.size)
    assert len(lines) == height
    assert all(line.cell_length == width for line in lines)
    return [line.text for line in lines]


def screen_text(app: ProfilerApp) -> str:
    return "\n".join(screen_lines(app))
