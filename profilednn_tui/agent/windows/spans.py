"""Operators whose inner events are found by time, because they are not their children in the tree."""

from __future__ import annotations

from array import array

from .tables import SELF_NS


class _Span:
    __slots__ = ("call", "covered_ns", "end_ns", "row")

    def __init__(self, start_ns: int, end_ns: int, row: list[int], call: int) -> None:
        self.covered_ns = start_ns
        self.end_ns = end_ns
        self.row = row
        self.call = call


class Spans:
    """The spans around the current event; the time of events inside them is subtracted from their self time."""

    __slots__ = ("_selves_ns", "covered_ns", "open")

    def __init__(self, selves_ns: array[int]) -> None:
        """`selves_ns` are the self times of all calls."""
        self._selves_ns = selves_ns
        self.open: list[_Span] = []
        self.covered_ns = 0
        """Events that end by this time are already accounted for in every open span."""

    def add(self, start_ns: int, end_ns: int, row: list[int]) -> None:
        """Open a span for the newest call; its self time is in `row`, too."""
        self.open.append(_Span(start_ns, end_ns, row, len(self._selves_ns) - 1))
        self.covered_ns = 0

    def subtract(self, start_ns: int, end_ns: int) -> None:
        """Subtract an event from the self time of the spans around it, and close spans that have ended.

        As in torch's own tables, an event that outlasts a span closes it.
        """
        still_open = []
        for span in self.open:
            if start_ns >= span.end_ns or end_ns > span.end_ns:
                continue
            if start_ns >= span.covered_ns:
                span.row[SELF_NS] -= end_ns - start_ns
                self._selves_ns[span.call] -= end_ns - start_ns
                span.covered_ns = end_ns
            still_open.append(span)
        self.open = still_open
        self.covered_ns = min([span.covered_ns for span in still_open], default=0)
