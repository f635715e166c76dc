"""The operators of a rank beside those of a typical other one: a row each."""

from __future__ import annotations

from dataclasses import dataclass

from profilednn_tui import units
from profilednn_tui.ranks.difference import OperatorDifference, operator_differences, typical_rank
from profilednn_tui.session.frames import relative_file
from profilednn_tui.session.view import SessionView
from profilednn_tui.session.words import operator_text
from profilednn_tui.tui.present.states import Message
from profilednn_tui.tui.present.table import Column
from profilednn_tui.tui.renderables.bars import bar
from profilednn_tui.tui.renderables.line import Line, clip


@dataclass(frozen=True, slots=True)
class DifferenceRow:
    """One operator in one phase."""

    difference: OperatorDifference
    bar: float
    """Its difference as a fraction of the largest one."""
    line: str
    """Where it is called, ``net.py:12 forward``; empty if unknown."""

    @property
    def name(self) -> str:
        return operator_text(self.difference.name)


def difference_rows(view: SessionView, rank: int) -> tuple[DifferenceRow, ...]:
    """The largest difference first."""
    found = operator_differences(view.ranks, rank)
    most_ns = max((abs(one.excess_ns) for one in found), default=0.0) or 1.0
    return tuple(DifferenceRow(one, abs(one.excess_ns) / most_ns, _line(view, one)) for one in found)


def head_line(view: SessionView, rank: int) -> Line:
    """Which two ranks stand side by side."""
    typical = typical_rank(view.ranks, rank)
    other = "no other rank" if typical is None else f"rank {typical.rank}, a typical one"
    return ((" ", ""), (f"rank {rank}", "bold"), (f" beside {other}; self time per step", "muted"))


def no_differences() -> Message:
    """Why there are no rows."""
    return Message("No operators of both ranks yet", ("They come with operator windows on both.",))


def search_text(row: DifferenceRow) -> str:
    """What `/` searches."""
    return f"{row.name} {row.difference.phase} {row.line}"


def copy_text(row: DifferenceRow) -> str:
    """What `y` copies."""
    one = row.difference
    times = (units.milliseconds(one.own_ns), units.milliseconds(one.typical_ns), units.milliseconds(one.excess_ns))
    return "\t".join((row.name, one.phase, *(f"{time} ms" for time in times), row.line))


def _line(view: SessionView, one: OperatorDifference) -> str:
    if one.source is None:
        return ""
    file = relative_file(one.source.file, view.target.working_directory)
    return f"{file}:{one.source.line} {one.source.function}".rstrip()


def _excess(row: DifferenceRow, width: int) -> Line:
    role = "warning" if row.difference.excess_ns > 0 else "success"
    number = units.milliseconds(row.difference.excess_ns)
    return ((number.rjust(8), role), (" ", ""), *bar(row.bar, max(0, width - 9), role))


COLUMNS: tuple[Column[DifferenceRow], ...] = (
    Column("operator", 22, lambda row, width: ((clip(row.name, width), ""),), lambda row: row.name, descending=False,
           right=False, grow=2, most=48),
    Column("phase", 9, lambda row, width: ((row.difference.phase, "muted"),), lambda row: row.difference.phase,
           descending=False, right=False, drop=2),
    Column("here ms", 8, lambda row, width: ((units.milliseconds(row.difference.own_ns), "bold"),),
           lambda row: row.difference.own_ns),
    Column("there ms", 8, lambda row, width: ((units.milliseconds(row.difference.typical_ns), ""),),
           lambda row: row.difference.typical_ns),
    Column("more ms", 12, _excess, lambda row: row.difference.excess_ns, right=False, grow=1, most=26),
    Column("line", 16, lambda row, width: ((clip(row.line, width), "muted"),), lambda row: row.line, descending=False,
           right=False, grow=2, most=48, drop=1),
)  # fmt: skip
