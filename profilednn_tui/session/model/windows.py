"""Window events stored compactly, and the operators of those that represent the run, or of a chosen one."""

from __future__ import annotations

import zlib
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias, TypeVar

import msgspec

from profilednn_tui.protocol.events import WindowEvent
from profilednn_tui.session.model.merge import merge
from profilednn_tui.session.model.pace import Pace, Paces, change, same_pace
from profilednn_tui.session.model.self_times import OperatorRows, SelfTimes
from profilednn_tui.session.model.steps import StepSeries
from profilednn_tui.session.model.tables import NumberedWindow, Tables, outside_column, row_matrix
from profilednn_tui.session.view import Operators, PaceChange

KEPT_WINDOWS = 200
MERGED_WINDOWS = 8
"""Windows merged in the default view: enough to be stable, few enough to follow training."""

HISTORY_WINDOWS = 24
"""Windows in the history of each operator."""

_CACHED_WINDOWS = 2 * MERGED_WINDOWS
_CACHED_VIEWS = 4
TABLE_LIMIT = 100_000
"""Distinct rows after which the tables start over: training whose shapes never repeat must not fill our memory."""
_KEPT_FILES = 5_000

Part = TypeVar("Part")
Key = TypeVar("Key")
Value = TypeVar("Value")

_ViewKey: TypeAlias = tuple[tuple[int, ...], tuple[int, ...], PaceChange | None]
"""Numbers of the windows and of those of the history, and how steps have changed since."""


@dataclass(frozen=True, slots=True)
class PackedWindow:
    """A window event, some hundred kB of tables, packed into a tenth of the memory."""

    number: int
    step: int
    end_unix_ns: int
    duration_ns: int
    """Of the step."""
    data: bytes

    @classmethod
    def pack(cls, event: WindowEvent) -> PackedWindow:
        return cls(
            event.number, event.step, event.end_unix_ns, event.duration_ns, zlib.compress(msgspec.json.encode(event), 1)
        )

    def unpack(self) -> WindowEvent:
        return self.unpack_as(WindowEvent)

    def unpack_as(self, part: type[Part]) -> Part:
        """The fields of the event that `part` has."""
        return msgspec.json.decode(zlib.decompress(self.data), type=part)


class WindowSeries:
    """The newest windows of one process, with its steps, which determine the windows that represent the run."""

    def __init__(self, steps: StepSeries | None = None) -> None:
        self._windows: deque[PackedWindow] = deque(maxlen=KEPT_WINDOWS)
        self._paces = Paces(steps or StepSeries())
        self._tables = Tables()
        self._numbered: OrderedDict[int, NumberedWindow] = OrderedDict()
        self._self_times: OrderedDict[int, SelfTimes] = OrderedDict()
        self._views: OrderedDict[_ViewKey, Operators] = OrderedDict()
        self.source_files: set[str] = set()
        """Files named in the call stacks."""

    def __len__(self) -> int:
        return len(self._windows)

    @property
    def numbers(self) -> tuple[int, ...]:
        return _numbers(tuple(self._windows))

    def newest(self, count: int) -> tuple[PackedWindow, ...]:
        """The newest windows, oldest first."""
        return tuple(self._windows)[-count:] if count else ()

    def add(self, event: WindowEvent) -> None:
        _check(event)
        self._windows.append(PackedWindow.pack(event))
        self._paces.add(event.step)
        self._paces.forget_before(self._windows[0].step)
        if len(self.source_files) < _KEPT_FILES:
            self.source_files |= _files(event)

    def event(self, number: int) -> WindowEvent | None:
        """A window as it was recorded; None if it is not kept."""
        return next((window.unpack() for window in self._windows if window.number == number), None)

    def settle(self) -> None:
        """More steps have arrived."""
        self._paces.settle()

    def view(self, number: int | None = None) -> Operators:
        """The operators of one window, or of the newest ones merged that were taken at the same pace of training:
        the current pace if there are windows of it, else that of the newest window."""
        newest = self.newest(MERGED_WINDOWS)
        chosen: Sequence[PackedWindow] = newest
        if number is not None:
            chosen = [window for window in newest if number == window.number]
        if number is not None and not chosen:
            chosen = [window for window in self._windows if window.number == number]
        if not chosen:
            return Operators()
        now = self._paces.now()
        if number is None:
            chosen = self._of_one_pace(newest, now)
        since = change([self._paces.around(window.step) for window in chosen], now) if now is not None else None
        history = self._up_to(chosen[-1] if number is not None else newest[-1])
        key = _numbers(chosen), _numbers(history), since
        if key not in self._views:
            if self._tables.size > TABLE_LIMIT:
                self._tables = Tables()
                self._numbered.clear()
            merged = self._views.get((key[0], key[1], None)) or merge(
                self._tables, [*map(self._numbered_window, chosen)], [*map(self._times_in, history)]
            )
            self._views[key] = replace(merged, since=since)
            _trim(self._views, _CACHED_VIEWS)
        self._views.move_to_end(key)
        return self._views[key]

    def representative(self) -> list[PackedWindow]:
        """The windows that `view` merges, oldest first."""
        newest = self.newest(MERGED_WINDOWS)
        return self._of_one_pace(newest, self._paces.now()) if newest else []

    def self_times(self, count: int) -> tuple[SelfTimes, ...]:
        """Those of the newest windows, oldest first; `HISTORY_WINDOWS` at most."""
        return tuple(map(self._times_in, self.newest(min(count, HISTORY_WINDOWS))))

    def _up_to(self, last: PackedWindow) -> tuple[PackedWindow, ...]:
        """The newest windows that are not newer than this one."""
        older = tuple(window for window in self._windows if window.number <= last.number)
        return older[-HISTORY_WINDOWS:]

    def _of_one_pace(self, newest: Sequence[PackedWindow], now: Pace | None) -> list[PackedWindow]:
        around = {window.number: self._paces.around(window.step) for window in newest}
        present = (now,) if now is not None else ()
        last = newest[-1]
        return [window for window in newest if same_pace(around[window.number], present)] or [
            window
            for window in newest
            if window is last or same_pace(around[window.number], around[last.number])  # its two sides may differ
        ]

    def _numbered_window(self, window: PackedWindow) -> NumberedWindow:
        if window.number not in self._numbered:
            self._numbered[window.number] = self._tables.read(window.unpack())
            _trim(self._numbered, _CACHED_WINDOWS)
        self._numbered.move_to_end(window.number)
        return self._numbered[window.number]

    def _times_in(self, window: PackedWindow) -> SelfTimes:
        if window.number not in self._self_times:
            self._self_times[window.number] = SelfTimes.in_window(window.unpack_as(OperatorRows))
            _trim(self._self_times, HISTORY_WINDOWS + MERGED_WINDOWS)
        self._self_times.move_to_end(window.number)
        return self._self_times[window.number]


def _files(event: WindowEvent) -> set[str]:
    """Files in the stacks of the rows; the tables may contain others."""
    pending = [node for row in event.rows for node in row[1:3]] + [row[0] for row in event.outside]
    nodes = {-1}
    while pending:
        node = pending.pop()
        if node not in nodes:
            nodes.add(node)
            pending.append(event.nodes[node][0])
    return {event.strings[event.frames[event.nodes[node][1]][0]] for node in nodes if node >= 0}


def _numbers(windows: Sequence[PackedWindow]) -> tuple[int, ...]:
    return tuple(window.number for window in windows)


def _trim(cache: OrderedDict[Key, Value], limit: int) -> None:
    while len(cache) > limit:
        cache.popitem(last=False)


def _check(event: WindowEvent) -> None:
    """Reject an event that cannot be read before it is stored, as it is read lazily."""
    row_matrix(event)
    outside_column(event)
    sizes = {
        "strings": len(event.strings),
        "frames": len(event.frames),
        "nodes": len(event.nodes),
        "operators": len(event.operators),
        "modules": len(event.modules),
    }
    for table, columns in _REFERENCES.items():
        rows: list[list[int]] = getattr(event, table)
        if rows and min(map(len, rows)) < _WIDTHS[table]:
            raise ValueError(f"a window with a short row in its {table}")
        for column, target in columns:
            indices = [row[column] for row in rows]
            if indices and not (min(indices) >= -1 and max(indices) < sizes[target]):
                raise ValueError(f"a window whose {table} point outside its {target}")


_WIDTHS = {"frames": 3, "nodes": 2, "operators": 4, "modules": 6, "rows": 9, "outside": 2}
_REFERENCES = {
    "frames": ((0, "strings"), (2, "strings")),
    "nodes": ((0, "nodes"), (1, "frames")),
    "operators": ((0, "strings"), (1, "strings"), (2, "strings"), (3, "strings")),
    "modules": ((0, "strings"), (1, "strings"), (5, "modules")),
    "rows": ((0, "operators"), (1, "nodes"), (2, "nodes"), (3, "modules")),
    "outside": ((0, "nodes"),),
}
