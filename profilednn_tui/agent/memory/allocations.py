"""What one step allocates and frees, from torch's events for two steps in a row.

torch tells the size of what is freed only if it saw the allocation: the first of the two steps is there so that what
it leaves to the second, such as gradients, is known when the second frees it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from operator import attrgetter, itemgetter
from typing import NamedTuple

from ...protocol.vocabulary import GRADIENTS, INPUTS, PEAK_KINDS, PHASES, SAVED, TEMPORARY
from ..windows.phase_spans import UNKNOWN, PhaseSpans
from ..windows.tables import NONE, StringTable
from ..windows.torch_profiler import EventTree, NodeTypes

MOST_LEVELS = 240
MOST_OWNERS = 40
_FORWARD = (PHASES.index("forward"), PHASES.index("loss"))
_BACKWARD = PHASES.index("backward")
_BEFORE = (PHASES.index("data"), PHASES.index("other"))


class Change(NamedTuple):
    """Memory allocated, or freed if `size` is negative."""

    time_ns: int
    address: int
    size: int
    operator: str
    """The innermost one at work; empty outside of operators."""


class Block(NamedTuple):
    """Memory that was allocated in one of the two steps."""

    born_ns: int
    freed_ns: int | None
    size: int
    operator: str
    phase: int
    """When it was allocated."""
    freed_in: int
    """The phase; -1 if it was not freed."""


class Allocations(NamedTuple):
    """The tables of an `AllocationsEvent`."""

    events: int
    peak_ns: int
    peak_bytes: int
    end_bytes: int
    levels: list[list[int]]
    phases: list[list[int]]
    peak: list[list[int]]
    freed_bytes: int
    kept: list[list[int]]
    strings: list[str]
    owners: list[list[int]]


def changes(tree: EventTree, types: NodeTypes) -> list[Change]:
    """All allocations of a window in the order of time."""
    read, found = types.read, []
    pending = [(node, "") for node in tree.roots]
    while pending:
        node, operator = pending.pop()
        fields = read.extra_fields(node)
        kind = type(fields)
        if kind is types.allocation:
            size = types.allocated_bytes(fields)
            if size:
                found.append(Change(read.start_ns(node), types.address(fields), size, operator))
        elif kind is types.torch_op:
            operator = read.name(node)
        pending += [(child, operator) for child in read.children(node)]
    return sorted(found, key=attrgetter("time_ns"))


def blocks(found: list[Change], spans: PhaseSpans) -> list[Block]:
    """The blocks that were allocated; what was freed and not seen allocated is left out."""
    living: dict[int, Change] = {}
    ended = []
    for change in found:
        if change.size > 0:
            living[change.address] = change
            continue
        born = living.pop(change.address, None)
        if born is not None:
            ended.append(_block(born, change.time_ns, spans))
    return [*ended, *(_block(born, None, spans) for born in living.values())]


def _block(born: Change, freed_ns: int | None, spans: PhaseSpans) -> Block:
    freed_in = NONE if freed_ns is None else _phase(spans, freed_ns)
    return Block(born.time_ns, freed_ns, born.size, born.operator, _phase(spans, born.time_ns), freed_in)


def _phase(spans: PhaseSpans, time_ns: int) -> int:
    return spans.phase(time_ns, time_ns)[0]


def summarize(found: list[Change], spans: PhaseSpans, begin_ns: int, end_ns: int) -> Allocations:
    """The step from `begin_ns` to `end_ns`, on the clock of the events, the second of those in `spans`."""
    all_blocks = blocks(found, spans)
    moves = [(one.born_ns, one.size) for one in all_blocks]
    moves += [(one.freed_ns, -one.size) for one in all_blocks if one.freed_ns is not None]
    moves = sorted(move for move in moves if begin_ns <= move[0] < end_ns)
    level = peak_bytes = 0
    peak_ns = begin_ns
    curve = [(begin_ns, 0)]
    for time_ns, size in moves:
        level += size
        curve.append((time_ns, level))
        if level > peak_bytes:
            peak_bytes, peak_ns = level, time_ns
    at_peak = [one for one in all_blocks if begin_ns <= one.born_ns <= peak_ns and _lives(one, peak_ns)]
    kinds: Counter[str] = Counter()
    owners: Counter[tuple[str, str]] = Counter()
    numbers: Counter[tuple[str, str]] = Counter()
    for one in at_peak:
        kind = _kind(one)
        kinds[kind] += one.size
        owners[one.operator, kind] += one.size
        numbers[one.operator, kind] += 1
    strings = StringTable()
    return Allocations(
        events=len(found),
        peak_ns=peak_ns - begin_ns,
        peak_bytes=peak_bytes,
        end_bytes=level,
        levels=_levels(curve, begin_ns, end_ns),
        phases=_phases(curve, all_blocks, spans, begin_ns, end_ns),
        peak=[[place, kinds[kind]] for place, kind in enumerate(PEAK_KINDS) if kinds[kind]],
        freed_bytes=sum(
            one.size
            for one in all_blocks
            if one.born_ns < begin_ns and one.freed_ns is not None and begin_ns < one.freed_ns <= peak_ns
        ),
        kept=_kept(all_blocks, begin_ns, end_ns),
        owners=[
            [strings.index(operator) if operator else NONE, PEAK_KINDS.index(kind), size, numbers[operator, kind]]
            for (operator, kind), size in owners.most_common(MOST_OWNERS)
        ],
        strings=strings.texts(),
    )


def _lives(block: Block, time_ns: int) -> bool:
    return block.freed_ns is None or block.freed_ns > time_ns


def _kind(block: Block) -> str:
    """What a block at the peak is for, by when it was allocated and freed."""
    if block.phase in _FORWARD:
        return SAVED if block.freed_in not in _FORWARD else TEMPORARY
    if block.phase == _BACKWARD and block.freed_ns is None:
        return GRADIENTS
    return INPUTS if block.phase in _BEFORE else TEMPORARY


def _levels(curve: list[tuple[int, int]], begin_ns: int, end_ns: int) -> list[list[int]]:
    """The highest level in each of equal stretches of the step, in order; stretches without a change keep the last."""
    stretch_ns = max(1, (end_ns - begin_ns) // MOST_LEVELS)
    highest: dict[int, int] = {}
    last: dict[int, int] = {}
    for time_ns, level in curve:
        place = (time_ns - begin_ns) // stretch_ns
        highest[place] = max(highest.get(place, level), level)
        last[place] = level
    levels, level = [], 0
    for place in range((end_ns - begin_ns) // stretch_ns + 1):
        levels.append([place * stretch_ns, max(level, highest[place]) if place in highest else level])
        level = last.get(place, level)
    return levels


def _phases(
    curve: list[tuple[int, int]], all_blocks: list[Block], spans: PhaseSpans, begin_ns: int, end_ns: int
) -> list[list[int]]:
    """Of each phase: the highest level, what was allocated, and how often."""
    highest: dict[int, int] = {}
    times = [time_ns for time_ns, _ in curve]
    began_ns = begin_ns
    for ended_ns, phase in zip(spans.ends_ns, spans.phases):
        if ended_ns <= begin_ns or phase == UNKNOWN:
            began_ns = max(began_ns, ended_ns)
            continue
        first, behind = max(0, bisect_left(times, began_ns) - 1), bisect_left(times, ended_ns)
        level = max((level for _, level in curve[first:behind]), default=0)
        highest[phase] = max(highest.get(phase, level), level)
        began_ns = ended_ns
    allocated: Counter[int] = Counter()
    numbers: Counter[int] = Counter()
    for one in all_blocks:
        if begin_ns <= one.born_ns < end_ns and one.phase != UNKNOWN:
            allocated[one.phase] += one.size
            numbers[one.phase] += 1
    phases = sorted({*highest, *allocated})
    return [[phase, highest.get(phase, 0), allocated[phase], numbers[phase]] for phase in phases]


def _kept(all_blocks: list[Block], begin_ns: int, end_ns: int) -> list[list[int]]:
    """What the first step allocated and the second did not free, by the phase in which it was allocated."""
    kept: Counter[int] = Counter()
    for one in all_blocks:
        if one.born_ns < begin_ns and _lives(one, end_ns) and one.phase != UNKNOWN:
            kept[one.phase] += one.size
    return sorted(map(list, kept.items()), key=itemgetter(0))
