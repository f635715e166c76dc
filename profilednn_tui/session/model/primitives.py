"""oneDNN primitives of the newest windows, or of a chosen one, in total and by operator."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import TypeAlias, TypeVar

from profilednn_tui.onednn.line import Entry, parse
from profilednn_tui.onednn.records import Primitive, PrimitiveLog, PrimitiveUse, Tally
from profilednn_tui.protocol.events import PrimitivesEvent
from profilednn_tui.session.view import OperatorKey, Primitives

KEPT_WINDOWS = 200
_CACHED_VIEWS = 4
_NS_PER_MS = 1e6

_SITE_LIMIT = 50_000
"""Distinct sites after which the table starts over: shapes may never repeat."""

_Item = TypeVar("_Item")
_Key = TypeVar("_Key")


@dataclass(frozen=True, slots=True, eq=False)
class _Site:
    """A primitive and the operators around it; a shared object, so that adding up windows need not compare texts."""

    chain: tuple[OperatorKey, ...]
    """The operators around it, outermost first."""
    primitive: Primitive


_Row: TypeAlias = tuple[_Site, Tally]


@dataclass(frozen=True, slots=True)
class _Window:
    number: int
    rows: tuple[_Row, ...]
    unread: int
    """Executions whose line cannot be parsed."""


class PrimitiveSeries:
    """The newest windows of one process."""

    def __init__(self) -> None:
        self._windows: deque[_Window] = deque(maxlen=KEPT_WINDOWS)
        self._views: OrderedDict[tuple[int, ...], Primitives] = OrderedDict()
        self._sites: dict[tuple[tuple[OperatorKey, ...], Primitive], _Site] = {}

    def add(self, event: PrimitivesEvent) -> None:
        """Add a window; a `ValueError` or `IndexError` if its tables are inconsistent."""
        if len(self._sites) > _SITE_LIMIT:
            self._sites = {}
        self._windows.append(self._read(event))
        self._views.clear()

    def view(self, numbers: Sequence[int]) -> Primitives:
        """The primitives of these windows, summed."""
        key = tuple(numbers)
        if key not in self._views:
            chosen = [window for window in self._windows if window.number in key]
            self._views[key] = _merge(chosen)
            while len(self._views) > _CACHED_VIEWS:
                self._views.popitem(last=False)
        return self._views[key]

    def _read(self, event: PrimitivesEvent) -> _Window:
        keys = [OperatorKey(*(_at(event.strings, index) for index in row[:4])) for row in event.operators]
        chains = [tuple(_at(keys, operator) for operator in chain) for chain in event.chains]
        rows: list[_Row] = []
        unread = 0
        for chain, line, calls, time_ns in event.rows:
            primitive = _primitive(_at(event.strings, line))
            if primitive is None or calls <= 0 or time_ns < 0:
                unread += max(calls, 0)
                continue
            time_ms = time_ns / _NS_PER_MS
            place = (_at(chains, chain) if chain >= 0 else (), primitive)
            site = self._sites.setdefault(place, _Site(*place))
            rows.append((site, Tally(calls, time_ms, time_ms / calls, time_ms / calls)))
        return _Window(event.window, tuple(rows), unread)


def _at(table: Sequence[_Item], index: int) -> _Item:
    if index < 0:
        raise ValueError("a window of primitives with a negative index")
    return table[index]


@lru_cache(maxsize=8192)
def _primitive(text: str) -> Primitive | None:
    entry = parse(f"exec,{text},0", None)
    return entry.primitive if isinstance(entry, Entry) else None


def _merge(windows: Sequence[_Window]) -> Primitives:
    if not windows:
        return Primitives()
    tallies = _sums(row for window in windows for row in window.rows)
    by_operator: dict[OperatorKey, list[_Row]] = {}
    for row in tallies.items():
        for key in dict.fromkeys(row[0].chain):
            by_operator.setdefault(key, []).append(row)
    log = _log(tallies.items(), sum(window.unread for window in windows))
    joined_ms = sum(tally.total_ms for site, tally in tallies.items() if site.chain)
    return Primitives(
        tuple(window.number for window in windows),
        log,
        MappingProxyType({key: _log(members) for key, members in by_operator.items()}),
        joined_ms / log.time_ms if log.time_ms else None,
    )


def _log(rows: Iterable[_Row], unread: int = 0) -> PrimitiveLog:
    tallies = _sums((site.primitive, tally) for site, tally in rows)
    uses = sorted((PrimitiveUse(*pair) for pair in tallies.items()), key=lambda use: -use.execution.total_ms)
    calls = sum(use.execution.count for use in uses)
    return PrimitiveLog(tuple(uses), calls + unread, calls, unread)


def _sums(pairs: Iterable[tuple[_Key, Tally]]) -> dict[_Key, Tally]:
    sums: dict[_Key, Tally] = {}
    for key, tally in pairs:
        known = sums.get(key)
        sums[key] = tally if known is None else known + tally
    return sums
