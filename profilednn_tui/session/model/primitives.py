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
    created: tuple[_Row, ...]
    creations_logged: bool
    unread: int
    """Executions whose line cannot be parsed."""
    names: tuple[str, ...]
    """Of each row, as they were recorded."""
    created_names: tuple[str, ...]


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

    def names(self, number: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Of a window: the primitive of each of its rows, and of each of its rows of creations."""
        found = next((window for window in self._windows if window.number == number), None)
        return (found.names, found.created_names) if found else ((), ())

    def _read(self, event: PrimitivesEvent) -> _Window:
        keys = [OperatorKey(*(_at(event.strings, index) for index in row[:4])) for row in event.operators]
        chains = [tuple(_at(keys, operator) for operator in chain) for chain in event.chains]

        def read(rows: Sequence[Sequence[int]]) -> tuple[tuple[_Row, ...], int]:
            """The rows and the number of uses whose line cannot be parsed."""
            found: list[_Row] = []
            unread = 0
            for chain, line, count, time_ns in rows:
                primitive = _primitive(_at(event.strings, line))
                if primitive is None or count <= 0 or time_ns < 0:
                    unread += max(count, 0)
                    continue
                time_ms = time_ns / _NS_PER_MS
                place = (_at(chains, chain) if chain >= 0 else (), primitive)
                site = self._sites.setdefault(place, _Site(*place))
                found.append((site, Tally(count, time_ms, time_ms / count, time_ms / count)))
            return tuple(found), unread

        rows, unread = read(event.rows)
        created, _ = read(event.creations)
        names, created_names = (
            tuple(_name(_primitive(_at(event.strings, row[1]))) for row in table)
            for table in (event.rows, event.creations)
        )
        return _Window(event.window, rows, created, event.creations_logged, unread, names, created_names)


def _at(table: Sequence[_Item], index: int) -> _Item:
    if index < 0:
        raise ValueError("a window of primitives with a negative index")
    return table[index]


@lru_cache(maxsize=8192)
def _primitive(text: str) -> Primitive | None:
    entry = parse(f"exec,{text},0", None)
    return entry.primitive if isinstance(entry, Entry) else None


def _name(primitive: Primitive | None) -> str:
    if primitive is None:
        return "an unreadable primitive"
    return " ".join(filter(None, (primitive.name, primitive.direction, primitive.implementation)))


def _merge(windows: Sequence[_Window]) -> Primitives:
    if not windows:
        return Primitives()
    tallies = _sums(row for window in windows for row in window.rows)
    created = _sums(row for window in windows for row in window.created)
    inside, created_inside = _by_operator(tallies.items()), _by_operator(created.items())
    log = _log(tallies.items(), created.items(), sum(window.unread for window in windows))
    joined_ms = sum(tally.total_ms for site, tally in tallies.items() if site.chain)
    return Primitives(
        tuple(window.number for window in windows),
        log,
        MappingProxyType(
            {key: _log(inside.get(key, ()), created_inside.get(key, ())) for key in {**inside, **created_inside}}
        ),
        joined_ms / log.time_ms if log.time_ms else None,
        all(window.creations_logged for window in windows),
    )


def _by_operator(rows: Iterable[_Row]) -> dict[OperatorKey, list[_Row]]:
    found: dict[OperatorKey, list[_Row]] = {}
    for row in rows:
        for key in dict.fromkeys(row[0].chain):
            found.setdefault(key, []).append(row)
    return found


def _log(rows: Iterable[_Row], created: Iterable[_Row], unread: int = 0) -> PrimitiveLog:
    ran, made = (_sums((site.primitive, tally) for site, tally in part) for part in (rows, created))
    none = Tally()
    uses = sorted(
        (PrimitiveUse(one, ran.get(one, none), made.get(one, none)) for one in {**ran, **made}),
        key=lambda use: -use.execution.total_ms,
    )
    calls = sum(use.execution.count + use.creation.count for use in uses)
    return PrimitiveLog(tuple(uses), calls + unread, calls, unread)


def _sums(pairs: Iterable[tuple[_Key, Tally]]) -> dict[_Key, Tally]:
    sums: dict[_Key, Tally] = {}
    for key, tally in pairs:
        known = sums.get(key)
        sums[key] = tally if known is None else known + tally
    return sums
