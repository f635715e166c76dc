"""The self time of each operator in one window: what its history over windows is made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from sys import intern

from profilednn_tui.session.model.tables import operator_texts
from profilednn_tui.session.view import OperatorKey


@dataclass(frozen=True, slots=True)
class OperatorRows:
    """The part of a `WindowEvent` that tells self times: decoding it takes half the time."""

    truncated: bool
    strings: list[str]
    operators: list[tuple[int, ...]]
    rows: list[tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class SelfTimes:
    """The operators of one window, which is one step."""

    by_operator: Mapping[tuple[str, ...], int]
    """In ns, of the call sites that were recorded; by the texts of an `OperatorKey`, which are compared faster."""
    truncated: bool
    """Whether operators were left out of the recording."""

    @classmethod
    def in_window(cls, window: OperatorRows) -> SelfTimes:
        sums = [0] * len(window.operators)
        for row in window.rows:
            sums[row[0]] += row[5]
        times: dict[tuple[str, ...], int] = {}
        for row, self_ns in zip(window.operators, sums, strict=True):
            texts = tuple(map(intern, operator_texts(window.strings, row)))  # stored once for all windows
            times[texts] = times.get(texts, 0) + self_ns
        return cls(times, window.truncated)


def mean_over(processes: Sequence[Sequence[SelfTimes]]) -> tuple[SelfTimes, ...]:
    """Of several processes' windows, each oldest first: window by window from the newest back, as far as all have some,
    the mean of each operator."""
    means = []
    for windows in zip(*map(reversed, processes), strict=False):
        sums: Counter[tuple[str, ...]] = Counter()
        for window in windows:
            sums.update(window.by_operator)
        by_operator = {texts: round(time_ns / len(windows)) for texts, time_ns in sums.items()}
        means.append(SelfTimes(by_operator, any(window.truncated for window in windows)))
    return tuple(reversed(means))


def history_of(key: OperatorKey, windows: Iterable[SelfTimes]) -> tuple[int | None, ...]:
    """The self time in each window, in ns; None where the operator may be among those that were left out."""
    texts = (key.name, key.input_shapes, key.dtypes, key.memory_format)
    return tuple(window.by_operator.get(texts, None if window.truncated else 0) for window in windows)
