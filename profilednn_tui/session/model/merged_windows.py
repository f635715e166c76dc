"""The operators of all ranks together: medians over the newest windows of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from profilednn_tui.session.model.merge import merge
from profilednn_tui.session.model.self_times import SelfTimes, mean_over
from profilednn_tui.session.model.tables import NumberedWindow, Tables
from profilednn_tui.session.model.windows import HISTORY_WINDOWS, TABLE_LIMIT, WindowSeries
from profilednn_tui.session.view import Operators

MOST_WINDOWS = 64
"""Merged at once; of more ranks than this, the first ones."""
MOST_HISTORY_WINDOWS = 8 * HISTORY_WINDOWS
"""Read for the history: with more ranks, it is shorter."""


class MergedWindows:
    """Keeps what it has read, as each new window changes the result."""

    def __init__(self) -> None:
        self._tables = Tables()
        self._read: dict[tuple[int, int], NumberedWindow] = {}
        """By key of the process and number of the window."""
        self._shown: tuple[tuple[int, int], ...] = ()
        self._operators = Operators()

    def view(self, ranks: Mapping[int, WindowSeries]) -> Operators:
        """The operators of these processes, by key, with an equal number of windows of each that has any."""
        each = max(1, MOST_WINDOWS // max(1, len(ranks)))
        chosen = {
            (key, window.number): window
            for key, windows in [*ranks.items()][:MOST_WINDOWS]
            for window in windows.representative()[-each:]
        }
        if tuple(chosen) == self._shown:
            return self._operators
        if self._tables.size > TABLE_LIMIT:
            self._tables = Tables()
            self._read.clear()
        self._read = {
            name: self._read.get(name) or self._tables.read(window.unpack()) for name, window in chosen.items()
        }
        in_order = sorted(self._read.values(), key=lambda window: window.event.end_unix_ns)
        self._shown = tuple(chosen)
        self._operators = merge(self._tables, in_order, _history([*ranks.values()])) if in_order else Operators()
        return self._operators


def _history(ranks: Sequence[WindowSeries]) -> tuple[SelfTimes, ...]:
    """The mean over the ranks that have windows."""
    recorded = [windows for windows in ranks if len(windows)][:MOST_WINDOWS]
    each = MOST_HISTORY_WINDOWS // max(1, len(recorded))
    return mean_over([windows.self_times(each) for windows in recorded])
