"""Compares two logs: are all primitives present, are they called as often, do the shares agree?

These are the questions that the paper asks of an implementation and its reference. They revealed the backward
convolutions of frozen layers: more backward calls than the reference for the same forward calls.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from statistics import median

from profilednn_tui.onednn.breakdown import By, Group, breakdown
from profilednn_tui.onednn.records import PrimitiveLog

Label = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Delta:
    """One group of primitives in a reference and in another log."""

    label: Label
    reference: Group | None
    """None if the primitive is extra in the other log."""
    other: Group | None
    """None if the primitive is missing in the other log."""
    expected_calls: float
    """Calls in the reference times the work of the other log (for backward calls, the work of the same problem)."""

    @property
    def calls_delta(self) -> float:
        """Calls in the other log beyond the expected ones."""
        return _calls(self.other) - self.expected_calls

    @property
    def share_delta(self) -> float:
        """Difference between the shares of execution time, as a fraction of one."""
        return _share(self.other) - _share(self.reference)


@dataclass(frozen=True, slots=True)
class LogComparison:
    """A reference log and another one."""

    reference: PrimitiveLog
    other: PrimitiveLog
    work: float
    """The other log's work in units of the reference's: the median ratio of forward calls of equal problems."""
    directions: tuple[Delta, ...]
    """By primitive and direction, largest change in share first."""
    missing: tuple[Delta, ...]
    """Problems that only the reference has, longest time first."""
    extra: tuple[Delta, ...]
    """Problems that only the other log has."""
    more_backward: tuple[Delta, ...]
    """Problems with more backward calls for the same forward work: gradients that the reference does not compute."""
    less_backward: tuple[Delta, ...]
    """Problems with fewer: the reference computes gradients that the other log does without."""


def compare_logs(reference: PrimitiveLog, other: PrimitiveLog) -> LogComparison:
    """Compare a log with a reference."""
    first, second = _groups(reference, By.SHAPE), _groups(other, By.SHAPE)
    work = _work(first, second)
    shapes = _deltas(first, second, work)
    backward = [one for delta in shapes if (one := _for_its_forward_calls(delta, first, second)) is not None]
    directions = _deltas(_groups(reference, By.DIRECTION), _groups(other, By.DIRECTION), work)
    return LogComparison(
        reference,
        other,
        work,
        tuple(sorted(directions, key=lambda delta: -abs(delta.share_delta))),
        tuple(sorted((one for one in shapes if one.other is None), key=lambda one: -_time_ms(one.reference))),
        tuple(sorted((one for one in shapes if one.reference is None), key=lambda one: -_time_ms(one.other))),
        tuple(sorted((one for one in backward if one.calls_delta > 0.5), key=lambda one: -_time_ms(one.other))),
        tuple(sorted((one for one in backward if one.calls_delta < -0.5), key=lambda one: -_time_ms(one.reference))),
    )


def _groups(log: PrimitiveLog, by: By) -> dict[Label, Group]:
    return {group.label: group for group in breakdown(log, by) if group.execution.count}


def _work(first: Mapping[Label, Group], second: Mapping[Label, Group]) -> float:
    shared = [label for label in first if label in second]
    forward = [label for label in shared if label[1].startswith("FWD")] or shared
    ratios = [second[label].execution.count / first[label].execution.count for label in forward]
    return median(ratios) if ratios else 1.0


def _deltas(first: Mapping[Label, Group], second: Mapping[Label, Group], work: float) -> list[Delta]:
    labels = dict.fromkeys([*first, *second])
    return [Delta(label, first.get(label), second.get(label), _calls(first.get(label)) * work) for label in labels]


def _for_its_forward_calls(delta: Delta, first: Mapping[Label, Group], second: Mapping[Label, Group]) -> Delta | None:
    """Backward calls against those expected from the forward calls; None if a log has no forward calls of the problem.

    In that case it is another layer, not another gradient.
    """
    name, direction, problem = delta.label
    if not direction.startswith("BWD"):
        return None
    forward = [
        sum(_calls(groups.get((name, forward, problem))) for forward in ("FWD_D", "FWD_I"))
        for groups in (first, second)
    ]
    if not all(forward):
        return None
    return replace(delta, expected_calls=_calls(delta.reference) / forward[0] * forward[1])


def _calls(group: Group | None) -> int:
    return group.execution.count if group is not None else 0


def _share(group: Group | None) -> float:
    return group.share if group is not None else 0.0


def _time_ms(group: Group | None) -> float:
    return group.execution.total_ms if group is not None else 0.0
