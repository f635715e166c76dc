"""The phases of a window's step on the clock of its events."""

from __future__ import annotations

from bisect import bisect_left

UNKNOWN = -1
"""No phase: outside of the step, or in time that was spent by us."""


class PhaseSpans:
    """Consecutive spans of time, each in one phase of the training thread."""

    __slots__ = ("_ends", "_phases", "began_ns", "ended_ns")

    def __init__(self, ends_ns: list[int], phases: list[int], offset_ns: int = 0) -> None:
        """The spans before the first phase are not part of the step; `offset_ns` is added to each end."""
        self._ends = [end_ns + offset_ns for end_ns in ends_ns]
        self._phases = phases
        self.began_ns = 0
        """When the step began."""
        for end_ns, phase in zip(self._ends, phases):
            if phase != UNKNOWN:
                break
            self.began_ns = end_ns
        self.ended_ns = self._ends[-1] if ends_ns else 0

    def phase(self, began_ns: int, ended_ns: int) -> tuple[int, bool]:
        """The phase of an event, as its place in `protocol.PHASES`, and whether all of the event is in it.

        An event that reaches into other phases has that of its middle: an annotation of an optimizer's or a loader's
        call begins before our hooks and ends after them.
        """
        ends = self._ends
        place = bisect_left(ends, ended_ns)
        if place < len(ends) and (not place or ends[place - 1] <= began_ns):
            return self._phases[place], True
        place = bisect_left(ends, (began_ns + ended_ns) // 2)
        return self._phases[place] if place < len(ends) else UNKNOWN, False


NO_SPANS = PhaseSpans([], [])
