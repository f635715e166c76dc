"""The self time of each operator in one window: what its history over windows is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from profilednn_tui.protocol.events import WindowEvent
from profilednn_tui.session.model.tables import operator_texts
from profilednn_tui.session.view import OperatorKey


@dataclass(frozen=True, slots=True)
class SelfTimes:
    """The operators of one window, which is one step."""

    by_operator: Mapping[OperatorKey, int]
    truncated: bool
    """Whether operators were left out of the recording."""

    @classmethod
    def in_window(cls, event: WindowEvent) -> SelfTimes:
        sums = [0] * len(event.operators)
        for row in event.rows:
            sums[row[0]] += row[5]
        times: dict[OperatorKey, int] = {}
        for row, self_ns in zip(event.operators, sums, strict=True):
            key = OperatorKey(*operator_texts(event, row))
            times[key] = times.get(key, 0) + self_ns
        return cls(times, event.truncated)

    def of(self, key: OperatorKey) -> int | None:
        """In ns, of the call sites that were recorded; None if the operator may be among those that were left out."""
        return self.by_operator.get(key, None if self.truncated else 0)
