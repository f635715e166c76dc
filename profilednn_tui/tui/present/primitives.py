"""oneDNN primitives as rows: one per group of a breakdown."""

from __future__ import annotations

from dataclasses import dataclass

from profilednn_tui import units
from profilednn_tui.onednn.breakdown import COLUMNS as LABELS
from profilednn_tui.onednn.breakdown import By, Group, breakdown, time_share
from profilednn_tui.onednn.problem import compact
from profilednn_tui.onednn.records import PrimitiveLog
from profilednn_tui.session.view import OperatorKey, Primitives
from profilednn_tui.tui.present.operators import decimals_for
from profilednn_tui.tui.present.states import Message
from profilednn_tui.tui.present.table import Column
from profilednn_tui.tui.renderables.bars import bar
from profilednn_tui.tui.renderables.line import Line, Span, clip

_NS_PER_MS = 1e6


@dataclass(frozen=True, slots=True)
class PrimitiveRow:
    """One group, with its figures per step."""

    by: By
    group: Group
    bar: float
    """Its share as a fraction of the largest one."""
    calls: float
    time_ns: float
    decimals: int

    @property
    def name(self) -> str:
        return " ".join(filter(None, map(compact, self.group.label)))


def log_of(primitives: Primitives, operators: tuple[OperatorKey, ...] | None) -> PrimitiveLog:
    """All primitives, or those inside some operators (of one name, so that none of them is inside another)."""
    if operators is None:
        return primitives.log
    parts = [primitives.by_operator[key] for key in operators if key in primitives.by_operator]
    return PrimitiveLog(tuple(use for part in parts for use in part.uses))


def primitive_rows(log: PrimitiveLog, windows: int, by: By) -> tuple[PrimitiveRow, ...]:
    """The groups, most time first."""
    groups = breakdown(log, by)
    if not groups or not windows:
        return ()
    most = groups[0].share or 1.0
    decimals = decimals_for(groups[0].execution.total_ms * _NS_PER_MS / windows)
    return tuple(
        PrimitiveRow(
            by,
            group,
            group.share / most,
            group.execution.count / windows,
            group.execution.total_ms * _NS_PER_MS / windows,
            decimals,
        )
        for group in groups
    )


def summary_line(log: PrimitiveLog, windows: int) -> Line:
    """The time per step, with the shares of reorders and of reference code."""
    spans: list[Span] = [
        (" oneDNN ", "muted"),
        (units.duration(log.time_ms * _NS_PER_MS / max(windows, 1)), "bold"),
        (" per step in ", "muted"),
        (units.count(log.calls / max(windows, 1)), ""),
        (" calls", "muted"),
    ]
    reorders = time_share(log, lambda primitive: primitive.is_reorder)
    reference = time_share(log, lambda primitive: primitive.is_reference)
    spans += [("   reorders ", "muted"), (units.share(reorders), "warning" if (reorders or 0) > 0.05 else "")]
    if reference:
        spans += [("   reference code ", "muted"), (units.share(reference), "error")]
    return tuple(spans)


def no_primitives_message(notice: str | None) -> Message:
    """Why there is nothing to show."""
    reason = notice or "No window with oneDNN primitives yet: {take-window} takes one now."
    return Message("No oneDNN primitives", (reason[:1].upper() + reason[1:].rstrip(".") + ".",))


def heading(by: By) -> str:
    return " · ".join(LABELS[by])


def _name(row: PrimitiveRow, width: int) -> Line:
    role = "error" if row.group.reference else "warning" if row.group.reorder else ""
    return ((clip(row.name, width), role),)


def _share(row: PrimitiveRow, width: int) -> Line:
    number = units.fixed(row.group.share * 100, 1)
    return ((number.rjust(5), ""), (" ", ""), *bar(row.bar, width - 6, "primary"))


def _mark(row: PrimitiveRow, width: int) -> Line:
    if row.group.reference:
        return (("ref", "error"),)
    return (("reorder", "warning"),) if row.group.reorder else ()


def _mean_ns(row: PrimitiveRow) -> float:
    return row.time_ns / row.calls if row.calls else 0.0


COLUMNS: tuple[Column[PrimitiveRow], ...] = (
    Column("primitive", 24, _name, lambda row: row.name, descending=False, right=False, grow=4, most=72),
    Column("ms/step", 9, lambda row, width: ((units.fixed(row.time_ns / 1e6, row.decimals), ""),),
           lambda row: row.time_ns),
    Column("share %", 12, _share, lambda row: row.group.share, right=False, grow=1, most=26),
    Column("calls", 6, lambda row, width: ((units.count(row.calls), ""),), lambda row: row.calls),
    Column("avg ms", 8, lambda row, width: ((units.milliseconds(_mean_ns(row)), "muted"),), _mean_ns, drop=1),
    Column("distinct", 8, lambda row, width: ((units.count(row.group.primitives), "muted"),),
           lambda row: row.group.primitives, drop=3),
    Column("", 7, _mark, right=False, drop=2),
)  # fmt: skip


def copy_text(row: PrimitiveRow) -> str:
    return "\t".join((
        *row.group.label, f"{units.milliseconds(row.time_ns)} ms/step", units.share(row.group.share),
        f"{units.counted(row.calls, 'call')}/step",
    ))  # fmt: skip
