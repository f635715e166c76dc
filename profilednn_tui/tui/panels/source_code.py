"""The source code of a file, at a line."""

from __future__ import annotations

from textual.content import Content
from textual.geometry import Region
from textual.strip import Strip

from profilednn_tui.session.open_session import SourceFile
from profilednn_tui.session.view import Operators
from profilednn_tui.tui.panels.lines import LinesView
from profilednn_tui.tui.present import source_code
from profilednn_tui.tui.present.source_code import SourceLine
from profilednn_tui.tui.present.stacks import short_file
from profilednn_tui.tui.present.states import Message
from profilednn_tui.tui.renderables.line import plain


class SourceCodeView(LinesView):
    """Numbered lines with their costs and a cursor."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.file = ""
        self.cursor = 0
        """Index of the current line."""
        self.code: tuple[SourceLine, ...] = ()

    def show_code(self, found: SourceFile, operators: Operators) -> None:
        """Show a file, or why it cannot be shown."""
        self.file = file = found.file
        self.code = ()
        self.border_title = Content(short_file(file, 3)) if file else None
        self.border_subtitle = None
        if found.lines is None:
            text = f"{file} is not on this machine and the session holds no copy of it."
            texts = (f"The session holds no copy of {file}.", found.foreign) if found.foreign else (text,)
            self.show_message(Message("No source", texts))
            return
        costs = source_code.line_costs(operators, file)
        whole_ns, name = source_code.whole(operators)
        self.code = source_code.source_lines(found.lines, costs, whole_ns)
        peak_ns = max(costs.values(), default=0.0)
        digits = len(str(len(self.code)))
        self.show_lines([source_code.render_source(line, digits, peak_ns) for line in self.code])
        self.border_subtitle = f"line · ms per step · % of {name}" if costs else None

    def show_line(self, number: int) -> None:
        """Put the cursor on a line (counted from 1), in the middle of the view."""
        self.cursor = max(0, min(len(self.lines) - 1, number - 1))
        self.scroll_lines(0, self.cursor - self.room.height // 2)
        self.refresh()

    @property
    def line_number(self) -> int:
        return self.cursor + 1

    def render_line(self, y: int) -> Strip:
        offset = self.scroll_offset
        if not self.code or offset.y + y != self.cursor:
            return super().render_line(y)
        strip = self.strip(self.lines[self.cursor], at_cursor=True)
        padding = self.palette.cursor("", self.has_focus)
        return strip.crop_extend(offset.x, offset.x + self.room.width, padding)

    def action_move(self, step: int) -> None:
        self.go_to(self.cursor + step)

    def action_edge(self, step: int) -> None:
        self.go_to(0 if step < 0 else len(self.lines) - 1)

    def search_position(self) -> int:
        return self.cursor

    def search_texts(self) -> list[str]:
        return [plain(line.code) for line in self.code]

    def go_to(self, index: int) -> None:
        before, self.cursor = self.cursor, max(0, min(len(self.lines) - 1, index))
        top, height = self.scroll_offset.y, self.room.height
        if not top <= self.cursor < top + height:
            near = self.cursor if self.cursor < top else self.cursor - height + 1
            self.scroll_lines(y=near)
        for moved in {before, self.cursor}:
            self.refresh(Region(0, moved - self.scroll_offset.y, self.room.width, 1))

    def action_copy(self) -> None:
        if self.code:
            line = self.code[self.cursor]
            self.post_message(self.Copied(f"{self.file}:{line.number}: {plain(line.code).strip()}", "the line"))
