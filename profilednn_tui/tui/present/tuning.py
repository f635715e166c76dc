"""A search as rows: what each candidate does to the step time, with its interval as a bar."""

from __future__ import annotations

import math
from dataclasses import dataclass

from profilednn_tui import units
from profilednn_tui.compare.factorial import Effect
from profilednn_tui.tui.present.states import Message
from profilednn_tui.tui.present.table import Column
from profilednn_tui.tui.renderables.line import Line, clip, wrap
from profilednn_tui.tune.candidates import OWN_THREADS, THREADS
from profilednn_tui.tune.record import Search, Stage

REACH = math.log(2.0)
"""Bars show changes up to this factor on either side."""
BAR_CELLS = 33
_STAGES = (Stage.LOOK, Stage.EFFECTS, Stage.RACE, Stage.SHOOTOUT, Stage.CERTIFICATE)


@dataclass(frozen=True, slots=True)
class Running:
    """A search that is being carried out, or was."""

    search: Search | None = None
    """As last read; None before it is there."""
    line: str = ""
    """What it said last."""
    ended: bool = False
    outcome: str = ""
    """What came out, once it has ended."""


@dataclass(frozen=True, slots=True)
class CandidateRow:
    """One candidate."""

    name: str
    effect: Effect | None = None
    out: str = ""
    """Why it is out; empty if it is not."""
    chosen: bool = False


def candidate_rows(running: Running) -> tuple[CandidateRow, ...]:
    """The measured ones, the best first, then those that wait, then those that are out."""
    record = running.search
    if record is None:
        return ()
    measured = [*(record.estimate.effects if record.estimate is not None else ()), *record.raced]
    known = {one.name: one for one in (*measured, *record.looking)}
    out = {one.name: one.reason for one in record.left_out}
    best = [one for one in (*(record.finalists or ()), record.chosen) if one is not None]
    chosen = {name for one in best for name in one.optimizations}
    chosen |= {f"{THREADS}{one.environment[OWN_THREADS]}" for one in best if OWN_THREADS in one.environment}
    names = dict.fromkeys((*known, *record.switches, *(one.name for one in record.variants), *out))
    rows = [CandidateRow(name, known.get(name), out.get(name, ""), name in chosen) for name in names]
    return tuple(sorted(rows, key=_order))


def _order(row: CandidateRow) -> tuple[bool, bool, float]:
    return bool(row.out), row.effect is None, row.effect.ratio if row.effect is not None else 0.0


def progress_text(running: Running) -> str:
    """``stage 2 of 5, between steps, 1 min 05 s of 20 min``"""
    record = running.search
    if record is None:
        return "starting"
    if running.ended:
        return "ended"
    number = _STAGES.index(record.stage) + 1 if record.stage in _STAGES else len(_STAGES)
    spent, whole = units.duration(record.duration_s * 1e9), units.duration(record.wishes.minutes * 60e9)
    return f"stage {number} of {len(_STAGES)}, {record.stage.value}, {spent} of {whole}"


def message(running: Running) -> Message | None:
    """Why there is nothing to list; None if there is."""
    if candidate_rows(running):
        return None
    return Message(running.line or "A first look at the plain training …")


def detail_lines(row: CandidateRow | None, running: Running, width: int) -> tuple[Line, ...]:
    """What is known of a candidate, and what the search says."""
    texts = [running.outcome or running.line]
    if row is not None:
        texts.append(_detail(row))
    return tuple(line for text in texts if text for line in wrap(text, max(10, width)))


def _detail(row: CandidateRow) -> str:
    if row.out:
        return f"{row.name} is out: {row.out}."
    if row.effect is None:
        return f"{row.name} is still to be measured."
    one = row.effect
    interval = f"{units.change(one.low)} to {units.change(one.high)}"
    left_out = f"; the first {units.count(one.left_out)} after each switch are left out" if one.left_out else ""
    chosen = " It is in the best setting so far." if row.chosen else ""
    return (
        f"{row.name}: step time {units.change(one.ratio)} ({interval}), from {units.counted(one.steps, 'step')}"
        f"{left_out}.{chosen}"
    )


def bar(effect: Effect, cells: int = BAR_CELLS) -> Line:
    """The interval on a scale from half to twice the step time; the mark in the middle is no change."""
    middle = cells // 2

    def place(ratio: float) -> int:
        position = math.log(ratio) / REACH if ratio > 0 else -1.0
        return middle + round(max(-1.0, min(1.0, position)) * middle)

    low, high, at = place(effect.low), place(effect.high), place(effect.ratio)
    marks = [" "] * cells
    marks[middle] = "│"
    for cell in range(low, high + 1):
        marks[cell] = "━"
    marks[at] = "●"
    color = "success" if effect.high < 1 else "warning" if effect.low > 1 else "muted"
    return (("".join(marks), color),)


def _name(row: CandidateRow, width: int) -> Line:
    return ((clip(row.name, width), "bold" if row.chosen else "faint" if row.out else ""),)


def _change(row: CandidateRow, width: int) -> Line:
    return ((units.change(row.effect.ratio), ""),) if row.effect is not None else ()


def _bar(row: CandidateRow, width: int) -> Line:
    return bar(row.effect) if row.effect is not None else ()


def _state(row: CandidateRow, width: int) -> Line:
    if row.out:
        return ((clip(f"out: {row.out}", width), "faint"),)
    if row.effect is None:
        return (("waits", "muted"),)
    return (("in the best so far", "success"),) if row.chosen else ()


COLUMNS: tuple[Column[CandidateRow], ...] = (
    Column("candidate", 16, _name, right=False, grow=1, most=28),
    Column("step time", 9, _change),
    Column("half          as stock         twice", BAR_CELLS + 3, _bar, right=False),
    Column("state", 12, _state, right=False, grow=2, drop=1),
)


def search_text(row: CandidateRow) -> str:
    return f"{row.name} {row.out}"


def copy_text(row: CandidateRow) -> str:
    return _detail(row)
