"""Tables as text: aligned for a terminal, or in Markdown."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence


def aligned(rows: Sequence[Sequence[str]], right: Collection[int]) -> list[str]:
    """Lines of aligned columns, two spaces apart; `right` holds the indices of right-aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if index in right else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[str]], left: int) -> Iterator[str]:
    """A table whose first `left` columns are text and whose others are numbers."""
    yield _markdown_row(columns)
    yield _markdown_row([":--" if index < left else "--:" for index in range(len(columns))])
    yield from map(_markdown_row, rows)


def markdown_code(text: str) -> str:
    """Text as inline code in a table cell."""
    return f"`{text.replace('|', chr(92) + '|').replace('`', chr(39))}`" if text else ""


def escape(text: str) -> str:
    """Text outside of tables and code, without what Markdown would take for a column or a tag."""
    return text.replace("|", "\\|").replace("<", "&lt;")


def _markdown_row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
