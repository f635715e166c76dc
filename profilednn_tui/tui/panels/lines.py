"""The base of all panes: a scrolling view of lines that repaints only changed lines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from profilednn_tui.tui.keys import with_keys
from profilednn_tui.tui.panels.themed import Themed
from profilednn_tui.tui.present import search
from profilednn_tui.tui.present.states import Message as StateMessage
from profilednn_tui.tui.renderables.line import Line, Span, line_width, plain, wrap

MATCH = "background on warning"
"""The role of text that matches the search."""


class LinesView(ScrollView, Themed, can_focus=True):
    """Shows lines."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up", show=False, id="up"),
        Binding("down,j", "move(1)", "down", show=False, id="down"),
        Binding("left,h", "aside(-1)", "left, close", show=False, id="left"),
        Binding("right,l", "aside(1)", "right, open", show=False, id="right"),
        Binding("pageup", "page(-1)", "page up", show=False, id="page-up"),
        Binding("pagedown", "page(1)", "page down", show=False, id="page-down"),
        Binding("home,g", "edge(-1)", "first", show=False, id="first"),
        Binding("end,G", "edge(1)", "last", show=False, id="last"),
        Binding("y", "copy", "copy", id="copy"),
    ]

    class Copied(Message):
        """The user wants this text on the clipboard."""

        def __init__(self, text: str, what: str) -> None:
            super().__init__()
            self.text = text
            self.what = what

    class SearchChanged(Message):
        """The matches have changed, or which one is current."""

        def __init__(self, position: int, count: int) -> None:
            super().__init__()
            self.position = position
            self.count = count

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines: tuple[Line, ...] = ()
        self._strips: dict[tuple[Line, int], Strip] = {}
        self.pattern: re.Pattern[str] | None = None

    # ---------------------------------------------------------------- lines

    def clicked(self, event: events.Click) -> tuple[int, int] | None:
        """Line and column of a click; None if it is beside the content."""
        offset = event.get_content_offset(self)
        return None if offset is None else (self.scroll_offset.y + offset.y, offset.x)

    @property
    def room(self) -> Size:
        """The cells available to lines, without borders and scrollbar."""
        return self.scrollable_content_region.size

    @property
    def lines(self) -> tuple[Line, ...]:
        return self._lines

    def show_lines(self, lines: Sequence[Line]) -> None:
        """Replace the lines; unchanged ones are not repainted."""
        new, old = tuple(lines), self._lines
        self._lines = new
        size = Size(max((line_width(line) for line in new), default=0), len(new))
        if size != self.virtual_size:
            self.virtual_size = size
        top, height = self.scroll_offset.y, self.room.height
        for y in range(height):
            index = top + y
            before = old[index] if index < len(old) else None
            after = new[index] if index < len(new) else None
            if before != after:
                self.refresh(Region(0, y, self.room.width, 1))

    def show_message(self, message: StateMessage) -> None:
        """Show a message instead of figures; each ``{name}`` of an action in it is replaced by its key."""
        sentences = tuple(with_keys(self, sentence) for sentence in message.sentences)
        self.show_lines(message_lines(replace(message, sentences=sentences), self.room.width, self.room.height))

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._strips.clear()

    def render_line(self, y: int) -> Strip:
        offset = self.scroll_offset
        index = offset.y + y
        width = self.room.width
        line = self._lines[index] if index < len(self._lines) else ()
        return self.strip(line).crop_extend(offset.x, offset.x + width, self.palette.base)

    def strip(self, line: Line, at_cursor: bool = False) -> Strip:
        """A line in the colours of the theme, with the places that match the search marked."""
        if self.pattern is not None:
            line = mark_matches(line, self.pattern)
        style = self.palette.style
        if at_cursor:
            under, focused = self.palette.cursor, self.has_focus
            return Strip([Segment(text, style(role) if role == MATCH else under(role, focused)) for text, role in line])
        key = (line, self.room.width)
        strip = self._strips.get(key)
        if strip is None:
            if len(self._strips) > 512:
                self._strips.clear()
            strip = self._strips[key] = Strip([Segment(text, style(role)) for text, role in line])
        return strip

    def watch_show_vertical_scrollbar(self) -> None:
        """A scrollbar that appears after a jump starts where the jump went."""
        if self.show_vertical_scrollbar:
            self.vertical_scrollbar.position = self.scroll_y

    def scroll_lines(self, x: float | None = None, y: float | None = None) -> None:
        """Scroll at once, even if the lines are so new that no scrollbar shows yet."""
        self.scroll_to(x, y, animate=False, force=True, immediate=True)

    # ---------------------------------------------------------------- search

    def search_texts(self) -> Sequence[str]:
        """What `/` searches, one text per line."""
        return [plain(line) for line in self._lines]

    def search_position(self) -> int:
        return self.scroll_offset.y

    def go_to(self, index: int) -> None:
        """Bring a line into view."""
        self.scroll_lines(y=index)

    def search(self, text: str) -> None:
        """Mark all matches and go to the first one at or after the current line."""
        self.pattern = search.compile_pattern(text)
        self.refresh()
        self.search_next(0)

    def clear_search(self) -> None:
        """Forget the pattern, and mark nothing any more."""
        self.pattern = None
        self.refresh()

    def search_next(self, direction: int) -> None:
        found = search.matches(self.pattern, self.search_texts())
        target = search.next_match(found, self.search_position(), direction)
        if target is not None:
            self.go_to(target)
        self.post_message(self.SearchChanged(found.index(target) + 1 if target is not None else 0, len(found)))

    # ---------------------------------------------------------------- filter

    can_filter = False
    """Whether `filter` leaves something out."""

    @property
    def filter_note(self) -> str:
        """What is left by a filter: ``\\conv: 12 of 331``; empty without one."""
        return ""

    def filter(self, text: str) -> None:
        """Show only what matches; all of it again with an empty text."""

    # ---------------------------------------------------------------- keys

    def action_move(self, step: int) -> None:
        self.scroll_lines(y=self.scroll_offset.y + step)

    def action_aside(self, step: int) -> None:
        self.scroll_lines(x=self.scroll_offset.x + 8 * step)

    def action_page(self, step: int) -> None:
        self.action_move(step * max(1, self.room.height - 2))

    def action_edge(self, step: int) -> None:
        self.scroll_lines(y=0 if step < 0 else self.max_scroll_y)

    def action_copy(self) -> None:
        text = "\n".join(plain(line).rstrip() for line in self._lines)
        self.post_message(self.Copied(text, f"{len(self._lines)} lines"))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        event.prevent_default()
        self.scroll_lines(y=self.scroll_offset.y + 3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        event.prevent_default()
        self.scroll_lines(y=self.scroll_offset.y - 3)


def mark_matches(line: Line, pattern: re.Pattern[str]) -> Line:
    """The line with all matches in the role of a match."""
    text = plain(line)
    found = [match.span() for match in pattern.finditer(text) if match.end() > match.start()]
    if not found:
        return line
    spans: list[Span] = []
    start = 0
    for part, role in line:
        cursor = start
        for low, high in found:
            low, high = max(low, start), min(high, start + len(part))
            if low >= high:
                continue
            spans.append((text[cursor:low], role))
            spans.append((text[low:high], MATCH))
            cursor = high
        spans.append((text[cursor : start + len(part)], role))
        start += len(part)
    return tuple(span for span in spans if span[0])


def message_lines(message: StateMessage, width: int, height: int) -> Sequence[Line]:
    """The message in the middle of the pane."""
    room = max(10, min(width - 4, 72))
    lines: list[Line] = [((message.title, "bold"),)]
    for sentence in message.sentences:
        lines += wrap(sentence, room, "muted")
    indented = [((" " * max(0, (width - sum(len(text) for text, _ in line)) // 2), ""), *line) for line in lines]
    above = max(0, (height - len(lines)) // 2)
    return [(), *[()] * (above - 1), *indented] if above else indented
