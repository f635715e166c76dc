"""The phases of a window's step on the clock of its events."""

from __future__ import annotations

from bisect import bisect_left

UNKNOWN = -1
"""No phase: outside of the step, or in time that was spent by us."""


class PhaseSpans:
    """Consecutive spans of time, each in one phase of the training thread."""

    __slots__ = ("began_ns", "ended_ns", "ends_ns", "phases")

    def __init__(self, ends_ns: list[int], phases: list[int], offset_ns: int = 0) -> None:
        """The spans before the first phase are not part of the step; `offset_ns` is added to each end."""
        self.ends_ns = [end_ns + offset_ns for end_ns in ends_ns]
        self.phases = phases
        """Of the span that ends then."""
        self.began_ns = 0
        """When the step began."""
        for end_ns, phase in zip(self.ends_ns, phases):
            if phase != UNKNOWN:
                break
            self.began_ns = end_ns
        self.ended_ns = self.ends_ns[-1] if ends_ns else 0

    def phase(self, began_ns: int, ended_ns: int) -> tuple[int, bool]:
        """The phase of an event, as its place in `protocol.PHASES`, and whether all of the event is in it.

        An event that reaches into other phases has that of its middle: an annotation of an optimizer's or a loader's
        call begins before our hooks and ends after them.
        """
        ends = self.ends_ns
        place = bisect_left(ends, ended_ns)
        if place < len(ends) and (not place or ends[place - 1] <= began_ns):
            return self.phases[place], True
        place = bisect_left(ends, (began_ns + ended_ns) // 2)
        return self.phases[place] if place < len(ends) else UNKNOWN, False


NO_SPANS = PhaseSpans([], [])
