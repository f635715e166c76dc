"""A table of any length: formats only the rows on the screen, repaints only changed cells."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Hashable, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip

from profilednn_tui.tui.panels.lines import LinesView
from profilednn_tui.tui.preferences import Preferences
from profilednn_tui.tui.present.search import compile_pattern
from profilednn_tui.tui.present.table import (
    GAP,
    MORE_LEFT,
    MORE_RIGHT,
    Column,
    PlacedColumn,
    Placement,
    SortOrder,
    header_text,
    in_order,
    optional_titles,
    order_of,
    order_text,
    place_columns,
    revealing,
    sort_rows,
    sortable,
    without,
)
from profilednn_tui.tui.renderables.line import Line, Span, fit_line, width_of

Row = TypeVar("Row")
Cells = tuple[Line, ...]


class TableView(LinesView, Generic[Row]):
    """Rows with a cursor below a fixed header. The cursor stays with its row's key when rows move."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "open", id="open"),
        Binding("<,comma", "sort_column(-1)", "previous sort column", key_display="<", show=False, id="previous-sort"),
        Binding(">,full_stop", "sort_column(1)", "next sort column", key_display=">", show=False, id="next-sort"),
        Binding("s", "reverse", "reverse the sort", show=False, id="reverse"),
        Binding("C", "choose_columns", "choose the columns", show=False, id="columns"),
        Binding("shift+left,H", "scroll_columns(-1)", "columns on the left", show=False, id="columns-left"),
        Binding("shift+right,L", "scroll_columns(1)", "columns on the right", show=False, id="columns-right"),
    ]

    COLUMNS: Sequence[Column[Any]] = ()
    FIRST_ORDER: SortOrder | None = None

    class Opened(Message):
        """The user pressed Enter on a row, or double-clicked it."""

        def __init__(self, table: TableView[Any], row: Any) -> None:
            super().__init__()
            self.table = table
            self.row = row

        @property
        def control(self) -> TableView[Any]:
            return self.table

    class Moved(Message):
        """The cursor is on another row."""

        def __init__(self, table: TableView[Any], row: Any) -> None:
            super().__init__()
            self.table = table
            self.row = row

        @property
        def control(self) -> TableView[Any]:
            return self.table

    class Sorted(Message):
        """The user has sorted a table in another way."""

        def __init__(self, table: str, text: str) -> None:
            super().__init__()
            self.table = table
            self.text = text

    class ColumnsWanted(Message):
        """The user wants to choose the columns of a table."""

        def __init__(self, table: TableView[Any]) -> None:
            super().__init__()
            self.table = table

    class ColumnsHidden(Message):
        """The user has chosen the columns of a table; the others are hidden."""

        def __init__(self, table: str, titles: tuple[str, ...]) -> None:
            super().__init__()
            self.table = table
            self.titles = titles

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.rows: tuple[Row, ...] = ()
        self._unsorted: tuple[Row, ...] = ()
        self.cursor = 0
        self.order = self.FIRST_ORDER
        self.hidden: frozenset[str] = frozenset()
        """Titles of columns that the user has switched off."""
        self._placement: Placement[Row] = Placement()
        self._placed_width = -1
        self._drawn: dict[int, tuple[Cells, bool, bool, Strip]] = {}
        self._texts: Sequence[str] | None = None
        self._filter: re.Pattern[str] | None = None
        self._filter_text = ""

    @property
    def header_height(self) -> int:
        return 1 if any(column.title for column in self.COLUMNS) else 0

    def on_mount(self) -> None:
        remembered: Preferences = getattr(self.app, "preferences", None) or Preferences()
        name = self.id or ""
        self.order = order_of(remembered.sort.get(name, ""), self.COLUMNS) or self.order
        self.hidden = frozenset(remembered.hidden_columns.get(name, ()))

    # ---------------------------------------------------------------- what a table defines

    def key_of(self, row: Row) -> Hashable:
        raise NotImplementedError

    def row_text(self, row: Row) -> str:
        """What `/` searches."""
        raise NotImplementedError

    def copy_text(self, row: Row) -> str:
        """What `y` copies."""
        raise NotImplementedError

    # ---------------------------------------------------------------- rows

    @property
    def current(self) -> Row | None:
        return self.rows[self.cursor] if self.cursor < len(self.rows) else None

    def show_rows(self, rows: Sequence[Row]) -> None:
        """Replace the rows."""
        self._unsorted = tuple(rows)
        self._arrange_rows()

    def show_lines(self, lines: Sequence[Line]) -> None:
        """Show lines instead of rows: a message."""
        had_rows = bool(self.rows)
        self.rows = self._unsorted = ()
        self._drawn.clear()
        super().show_lines(lines)
        if had_rows:
            self.refresh()

    def _arrange_rows(self) -> None:
        current = self.current
        key = self.key_of(current) if current is not None and self.cursor else None
        screen_row = self.cursor - self.scroll_offset.y
        self.rows = sort_rows(self._kept_rows(), self.COLUMNS, self.order)
        self._texts = None
        if self._lines:
            self._lines = ()
            self.refresh()
        size = Size(self.room.width, len(self.rows) + self.header_height)
        if size != self.virtual_size:
            self.virtual_size = size
        if key is not None:
            found = next((index for index, row in enumerate(self.rows) if self.key_of(row) == key), None)
            self.cursor = min(self.cursor, max(0, len(self.rows) - 1)) if found is None else found
            if found is not None and self.cursor - self.scroll_offset.y != screen_row and self.scroll_offset.y:
                self.scroll_lines(y=self.cursor - screen_row)
        self._repaint_changes()

    def _kept_rows(self) -> tuple[Row, ...]:
        pattern = self._filter
        if pattern is None:
            return self._unsorted
        return tuple(row for row in self._unsorted if pattern.search(self.row_text(row)))

    def _repaint_changes(self) -> None:
        """Refresh the parts of the visible lines whose cells differ from the drawn ones."""
        width = self.room.width
        for y in range(self.header_height, self.room.height):
            index = self.scroll_offset.y + y - self.header_height
            drawn = self._drawn.get(y)
            if index >= len(self.rows) or drawn is None:
                self.refresh(Region(0, y, width, 1))
                continue
            cells = self._cells(self.rows[index])
            if drawn[1] != (index == self.cursor):
                self.refresh(Region(0, y, width, 1))
            elif cells != drawn[0]:
                changed = [item for item, new, old in zip(self._placed, cells, drawn[0], strict=True) if new != old]
                low, high = changed[0].x, changed[-1].x + changed[-1].width
                self.refresh(Region(low, y, high - low, 1))

    def _cells(self, row: Row) -> Cells:
        return tuple(
            fit_line(item.column.cell(row, item.width), item.width, item.column.right) for item in self._placed
        )

    # ---------------------------------------------------------------- drawing

    @property
    def _placed(self) -> tuple[PlacedColumn[Row], ...]:
        return self._placement.columns

    def _place(self) -> None:
        if self.room.width != self._placed_width:
            self._place_from(self._placement.before)

    def _place_from(self, scrolled: int) -> None:
        """Place the columns anew, with `scrolled` of them left out on the left."""
        self._placed_width = self.room.width
        self._placement = place_columns(self.chosen_columns, self._placed_width, scrolled)
        self._drawn.clear()

    def _scroll_columns_to(self, scrolled: int) -> None:
        self._place_from(scrolled)
        self.refresh()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._drawn.clear()

    def render_line(self, y: int) -> Strip:
        if self._lines:
            return super().render_line(y)
        self._place()
        width = self.room.width
        if y < self.header_height:
            return self.strip(self._header()).adjust_cell_length(width, self.palette.style(""))
        index = self.scroll_offset.y + y - self.header_height
        if index >= len(self.rows):
            self._drawn.pop(y, None)
            return Strip.blank(width, self.palette.base)
        cells = self._cells(self.rows[index])
        at_cursor = index == self.cursor
        drawn = self._drawn.get(y)
        if drawn is not None and drawn[:3] == (cells, at_cursor, self.has_focus) and not self.pattern:
            return drawn[3]
        spans: list[Span] = []
        for cell in cells:
            spans += [*cell, (" " * GAP, "")]
        padding = self.palette.cursor("", self.has_focus) if at_cursor else self.palette.base
        strip = self.strip(tuple(spans), at_cursor).adjust_cell_length(width, padding)
        self._drawn[y] = (cells, at_cursor, self.has_focus, strip)
        return strip

    def _header(self) -> Line:
        spans: list[Span] = []
        for item in self._placed:
            text = header_text(item.column, self.order)
            role = "bold primary" if self.order and item.column.title == self.order.title else "muted"
            spill = 1 if not item.column.right and width_of(text) > item.width else 0
            spans += [*fit_line(((text, role),), item.width + spill, item.column.right), (" " * (GAP - spill), "")]
            if not item.x and self._placement.before:
                spans[-1] = (MORE_LEFT.ljust(GAP - spill), "primary")
        if not self._placement.after:
            return tuple(spans)
        return (*fit_line(tuple(spans[:-1]), self.room.width - 1), (MORE_RIGHT, "primary"))

    # ---------------------------------------------------------------- cursor

    def move_cursor(self, index: int) -> None:
        """Put the cursor on a row and bring it into view."""
        index = max(0, min(len(self.rows) - 1, index))
        if not self.rows:
            return
        before, self.cursor = self.cursor, index
        top = self.scroll_offset.y
        visible = max(1, self.room.height - self.header_height)
        if index < top:
            self.scroll_lines(y=index)
        elif index >= top + visible:
            self.scroll_lines(y=index - visible + 1)
        for moved in {before, index}:
            self.refresh(Region(0, moved - self.scroll_offset.y + self.header_height, self.room.width, 1))
        if before != index:
            self.post_message(self.Moved(self, self.rows[index]))

    def action_move(self, step: int) -> None:
        if self._lines:
            super().action_move(step)
        else:
            self.move_cursor(self.cursor + step)

    def action_page(self, step: int) -> None:
        self.action_move(step * max(1, self.room.height - 2))

    def action_edge(self, step: int) -> None:
        self.move_cursor(0 if step < 0 else len(self.rows) - 1)

    def action_aside(self, step: int) -> None:
        """Scroll the columns; trees open and close here."""
        if self._lines:
            super().action_aside(step)
        else:
            self.action_scroll_columns(step)

    def action_open(self) -> None:
        if self.current is not None:
            self.post_message(self.Opened(self, self.current))

    def action_copy(self) -> None:
        if self.current is not None:
            self.post_message(self.Copied(self.copy_text(self.current), "the row"))

    # ---------------------------------------------------------------- columns

    @property
    def chosen_columns(self) -> Sequence[Column[Any]]:
        """The columns without those that the user has switched off."""
        return without(self.COLUMNS, self.hidden)

    def action_scroll_columns(self, step: int) -> None:
        self._scroll_columns_to(self._placement.before + step)

    def action_choose_columns(self) -> None:
        if optional_titles(self.COLUMNS):
            self.post_message(self.ColumnsWanted(self))

    def hide_columns(self, titles: Collection[str]) -> None:
        """Hide these columns, and show all others."""
        self.hidden = frozenset(titles)
        self._scroll_columns_to(0)
        if self.id:
            optional = optional_titles(self.COLUMNS)
            of_other_versions = sorted(self.hidden.difference(optional))
            known = (title for title in optional if title in self.hidden)
            self.post_message(self.ColumnsHidden(self.id, (*known, *of_other_versions)))

    # ---------------------------------------------------------------- sorting

    def action_sort_column(self, step: int) -> None:
        titles = sortable(in_order(self.chosen_columns, self.room.width))
        if titles:
            current = titles.index(self.order.title) if self.order and self.order.title in titles else -step
            title = titles[(current + step) % len(titles)]
            self.sort_by(SortOrder(title))
            self._scroll_columns_to(revealing(self.chosen_columns, self.room.width, title, self._placement.before))

    def action_reverse(self) -> None:
        if self.order is not None:
            self.sort_by(SortOrder(self.order.title, not self.order.reverse))

    def sort_by(self, order: SortOrder) -> None:
        self.order = order
        if self.id:
            self.post_message(self.Sorted(self.id, order_text(order)))
        self._drawn.clear()
        self._arrange_rows()
        self.refresh()

    # ---------------------------------------------------------------- filter

    can_filter = True

    @property
    def filter_note(self) -> str:
        if self._filter is None:
            return ""
        return f"\\{self._filter_text}: {len(self.rows):,} of {len(self._unsorted):,}"

    def filter(self, text: str) -> None:
        self._filter, self._filter_text = compile_pattern(text), text
        self._drawn.clear()
        self._arrange_rows()
        self.cursor = min(self.cursor, max(0, len(self.rows) - 1))
        self.refresh()

    # ---------------------------------------------------------------- search

    def search_texts(self) -> Sequence[str]:
        if self._texts is None:
            row_text: Callable[[Row], str] = self.row_text
            self._texts = [row_text(row) for row in self.rows]
        return self._texts

    def search_position(self) -> int:
        return self.cursor

    def go_to(self, index: int) -> None:
        self.move_cursor(index)

    # ---------------------------------------------------------------- mouse

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None or self._lines:
            return
        event.stop()
        if offset.y < self.header_height:
            self._click_header(offset.x)
            return
        index = self.scroll_offset.y + offset.y - self.header_height
        if index < len(self.rows):
            self.move_cursor(index)
            if event.chain == 2:
                self.action_open()

    def _click_header(self, x: int) -> None:
        """Sort by the column, or scroll at a mark."""
        if self._placement.after and x == self.room.width - 1:
            self.action_scroll_columns(1)
            return
        if self._placement.before and x == self._placed[0].width:
            self.action_scroll_columns(-1)
            return
        for item in self._placed:
            if item.x <= x < item.x + item.width + GAP and item.column.sort is not None:
                title = item.column.title
                same = self.order is not None and self.order.title == title
                self.sort_by(SortOrder(title, same and self.order is not None and not self.order.reverse))
                return
