"""The keys, from the BINDINGS of all screens and panes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from profilednn_tui.tui.keys import described, with_keys
from profilednn_tui.tui.panels.lines import LinesView
from profilednn_tui.tui.renderables.line import Line, clip_line, fit_line, line_width

Group = tuple[str, Sequence[Binding]]


def help_lines(groups: Sequence[Group], width: int) -> tuple[Line, ...]:
    """All keys, in as many columns as fit."""
    blocks = [_block(title, bindings) for title, bindings in groups]
    widest = max(line_width(line) for block in blocks for line in block)
    count = max(1, min(3, (width + 3) // (widest + 3)))
    columns: list[list[Line]] = [[] for _ in range(count)]
    for block in blocks:
        shortest = min(columns, key=len)
        if shortest:
            shortest.append(())
        shortest.extend(block)
    height = max(len(column) for column in columns)
    cell = (width - 3 * (count - 1)) // count
    lines = []
    for row in range(height):
        spans: list[tuple[str, str]] = []
        for column in columns:
            spans += [*fit_line(clip_line(column[row] if row < len(column) else (), cell), cell), ("   ", "")]
        lines.append(tuple(spans[:-1]))
    return tuple(lines)


def _block(title: str, bindings: Sequence[Binding]) -> list[Line]:
    lines: list[Line] = [((title, "bold"),)]
    for keys, description in described(bindings):
        lines.append(((f"{keys:>9}  ", "primary"), (description, "")))
    return lines


class HelpScreen(ModalScreen[None]):
    """All keys on one page."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "close", id="back"),
        Binding("enter", "dismiss", "close", show=False, id="open"),
        Binding("question_mark", "dismiss", "close", show=False, id="help"),
        Binding("q", "dismiss", "close", show=False, id="quit"),
    ]

    def __init__(self, groups: Sequence[Group]) -> None:
        super().__init__()
        self._groups = groups

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wide") as dialog:
            dialog.border_title = "Keys"
            dialog.border_subtitle = with_keys(self, "{back} closes · {palette} finds any action by name")
            yield LinesView(id="help")

    def on_mount(self) -> None:
        self.set_focus(self.query_one(LinesView))

    def on_resize(self, event: events.Resize) -> None:
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        view = self.query_one(LinesView)
        view.show_lines(help_lines(self._groups, view.room.width))
