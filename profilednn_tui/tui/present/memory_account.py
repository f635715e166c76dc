"""Who holds the memory as rows, and what one step allocates as lines."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from profilednn_tui import units
from profilednn_tui.protocol.vocabulary import GRADIENTS, INPUTS, SAVED, TEMPORARY
from profilednn_tui.session import memory_owners as owners
from profilednn_tui.session.view import MemoryAccount, SessionView, StepAllocations
from profilednn_tui.tui.present.states import Message
from profilednn_tui.tui.present.table import Column
from profilednn_tui.tui.renderables.bars import bar
from profilednn_tui.tui.renderables.line import Line, Span, clip, clip_line, ends
from profilednn_tui.tui.renderables.scale import nice_ceiling
from profilednn_tui.tui.renderables.sparkline import area

UNEXPLAINED = "unexplained"
MUCH_UNEXPLAINED = 0.05
GROWS_BYTES = 10_000.0
"""Per step, from which on growth is marked."""
STEP_TITLE = "What a step allocates"
WAITING = " · asked for, comes with the next two steps"
_KINDS = {
    SAVED: "saved for the backward pass",
    GRADIENTS: "gradients",
    INPUTS: "inputs",
    TEMPORARY: "temporary",
}
_LABEL = 9
"""Cells beside the curve."""
_CURVE = 6
"""Lines of it, where there is room."""


@dataclass(frozen=True, slots=True)
class OwnerRow:
    """One owner of memory."""

    name: str
    size_bytes: int
    share: float
    """Of all memory of the process and its workers."""
    bar: float
    """As a fraction of the largest owner's."""
    growth_bytes: float | None
    explanation: str


def owner_rows(account: MemoryAccount) -> tuple[OwnerRow, ...]:
    """The owners, largest first, and what no owner explains."""
    total = account.total_bytes or 1
    most = max((owner.size_bytes for owner in account.owners), default=1) or 1
    rows = [
        OwnerRow(
            owner.name,
            owner.size_bytes,
            owner.size_bytes / total,
            owner.size_bytes / most,
            owner.growth_bytes,
            owners.EXPLANATIONS[owner.name],
        )
        for owner in account.owners
    ]
    if account.unexplained_bytes is not None:
        rest = account.unexplained_bytes
        text = "the owners above add up to more" if rest < 0 else "stacks of threads, and what no owner tells"
        rows.append(OwnerRow(UNEXPLAINED, rest, rest / total, max(0, rest) / most, None, text))
    return tuple(rows)


def head_lines(view: SessionView) -> tuple[Line, ...]:
    """What the account is of, in a line, and what it does not know in another one."""
    account = view.memory_account
    if account is None:
        return ((("", ""),), (("", ""),))
    spans: list[Span] = [
        (" ", ""),
        (units.bytes_size(account.total_bytes), "bold"),
        (f" after step {account.step:,}", "muted"),
    ]
    if view.merged_ranks and view.target.rank is not None:
        spans.append((f" of rank {view.target.rank} alone", "warning"))
    if len(account.steps) > 1:
        spans.append((f"   growth over {len(account.steps)} accounts since step {account.steps[0]:,}", "muted"))
    unknown = []
    if not account.tells_saved:
        unknown.append("this torch does not tell what graphs keep")
    elif not account.saved_complete:
        unknown.append("not everything that variables lead to was looked through")
    if account.unexplained_bytes is None:
        unknown.append("this allocator tells nothing of itself")
    return tuple(spans), ((f" {'; '.join(unknown)}" if unknown else "", "warning"),)


def account_message(view: SessionView) -> Message | None:
    """Why there is no account yet."""
    if view.memory_account is not None:
        return None
    if notice := next((one.text for one in view.notices if one.code == "no_memory_account"), None):
        return Message("No account of the memory", (notice[:1].upper() + notice[1:] + ".",))
    if not view.live:
        return Message("No account of the memory", ("This recording has none: it was too short, or is older.",))
    return Message("No account of the memory yet", ("{measure} takes one at the end of the next step.",))


def no_step_text(live: bool) -> str:
    """Why there are no allocations of a step; ``{measure}`` stands for the key of that action."""
    return "{measure} records what two steps allocate; that slows them down." if live else "None was recorded."


def step_lines(step: StepAllocations, width: int, height: int) -> tuple[Line, ...]:
    """What one step allocates: its peak, a curve, the phases and the operators behind it."""
    lines: list[Line] = [clip_line(_peak_line(step), width), clip_line(_at_peak_line(step), width)]
    if step.freed_bytes:
        lines.append((("freed before it, of what there was ", "muted"), (units.bytes_size(step.freed_bytes), "")))
    kept = [(phase, size) for phase, size in step.kept if size >= GROWS_BYTES]
    if kept:
        parts = ", ".join(f"{units.bytes_size(size)} of {phase}" for phase, size in kept)
        lines.append(clip_line(((f"Kept from the step before: {parts}", "warning"),), width))
    if height - len(lines) >= _CURVE + 4:
        lines += [(), *_curve(step, width, _CURVE)]
    lines += [(), *_phase_lines(step), (), *_owner_lines(step, width)]
    return tuple(lines)


def _peak_line(step: StepAllocations) -> Line:
    phase = max(step.phases, key=lambda one: one.highest_bytes, default=None)
    where = f" in {phase.phase}" if phase is not None else ""
    return (
        (units.bytes_size(step.peak_bytes), "bold"),
        (f" above its begin at the peak of step {step.step:,}, after ", "muted"),
        (units.duration(step.peak_ns), ""),
        (where, ""),
        (f"   {units.count(step.events)} events", "muted"),
    )


def _at_peak_line(step: StepAllocations) -> Line:
    spans: list[Span] = []
    for kind, size in sorted(step.at_peak, key=lambda one: -one[1]):
        spans += [("   " if spans else "", ""), (f"{_KINDS[kind]} ", "muted"), (units.bytes_size(size), "")]
    return tuple(spans)


def _curve(step: StepAllocations, width: int, height: int) -> list[Line]:
    """The level over time, with its axes."""
    columns = max(10, width - _LABEL - 1)
    levels = [max(0, level) for _, level in step.levels]
    if not levels:
        return []
    edges = [place * len(levels) // columns for place in range(columns + 1)]
    sampled = [max(levels[first : max(first + 1, behind)]) for first, behind in pairwise(edges)]
    ceiling = nice_ceiling(max(sampled))
    labels = {0: units.bytes_size(ceiling), height - 1: "0"}
    lines: list[Line] = [
        ((labels.get(row, "").rjust(_LABEL - 1) + " ", "muted"), (text, "primary"))
        for row, text in enumerate(area(sampled, columns, height, ceiling))
    ]
    axis = ends((("0", "muted"),), ((units.duration(step.duration_ns), "muted"),), columns)
    return [*lines, ((" " * _LABEL, ""), *axis)]


def _phase_lines(step: StepAllocations) -> list[Line]:
    lines: list[Line] = [(("phase          highest  allocated  allocations", "muted"),)]
    for one in step.phases:
        text = (
            f"{one.phase:<13}{units.bytes_size(one.highest_bytes):>9}{units.bytes_size(one.allocated_bytes):>11}"
            f"{one.allocations:>13,}"
        )
        lines.append(((text, ""),))
    return lines


def _owner_lines(step: StepAllocations, width: int) -> list[Line]:
    lines: list[Line] = [(("at the peak    blocks  for          allocated by", "muted"),)]
    for one in step.owners:
        text = f"{units.bytes_size(one.size_bytes):>11}{one.blocks:>10,}  "
        name = one.operator or "no operator"
        lines.append(((text, ""), (f"{one.kind:<11}  ", "muted"), (clip(name, max(8, width - 36)), "")))
    return lines


def _name(row: OwnerRow, width: int) -> Line:
    much = row.name == UNEXPLAINED and abs(row.share) > MUCH_UNEXPLAINED
    return ((clip(row.name, width), "warning" if much else ""),)


def _share(row: OwnerRow, width: int) -> Line:
    number = units.fixed(row.share * 100, 1)
    return ((number.rjust(5), ""), (" ", ""), *bar(row.bar, width - 6, "primary"))


def _growth(row: OwnerRow, width: int) -> Line:
    growth = row.growth_bytes
    if growth is None or abs(growth) < 1:
        return ((units.UNKNOWN if growth is None else "0", "muted"),)
    sign = "+" if growth > 0 else "-"
    role = "warning" if growth >= GROWS_BYTES else "muted"
    return ((f"{sign}{units.bytes_size(abs(growth))}", role),)


COLUMNS: tuple[Column[OwnerRow], ...] = (
    Column("held by", 21, _name, lambda row: row.name, descending=False, right=False),
    Column("size", 9, lambda row, width: ((units.bytes_size(row.size_bytes), ""),), lambda row: row.size_bytes),
    Column("share %", 12, _share, lambda row: row.share, right=False, grow=1, most=26),
    Column("per step", 9, _growth, lambda row: row.growth_bytes, drop=1),
    Column("", 30, lambda row, width: ((clip(row.explanation, width), "muted"),), right=False, grow=3, drop=2),
)


def copy_text(row: OwnerRow) -> str:
    """For the clipboard."""
    return f"{row.name}\t{units.bytes_size(row.size_bytes)}\t{units.share(row.share)}"
