"""What the agent has told of the loops around the steps -> how many steps and epochs are left."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from itertools import pairwise
from math import ceil
from statistics import stdev

from profilednn_tui.protocol.events import TotalEvent

MOST_PASSES = 4_096
MOST_NUMBER = 2**40
"""Of passes, iterations and steps."""
BEYOND = 0.02
"""The training may go on beyond the expected number of steps by this share of it, as epochs differ."""


class UnknownTotalError(Exception):
    """It is not known how much is left; the text says why, in a sentence."""

    def __init__(self, reason: str, source: str = "") -> None:
        """`source` tells the length of the training, if that much is known."""
        super().__init__(reason)
        self.source = source


@dataclass(frozen=True, slots=True)
class Outstanding:
    """What is left of a training after one of its steps."""

    steps: float
    borders: int
    """Ends of epochs; the last one counts, as it may have a validation."""
    second_epoch: int | None
    """Its first step, or that of the second that was seen; None if there was none."""
    is_at_border: bool
    """Whether the newest step was the last of its epoch."""
    steps_deviation: float
    """Standard deviation of the steps of an epoch; 0 if all have the same."""
    epochs: int | None
    """Of the whole training; None if they are not what ends it."""
    all_steps: int
    """Of the whole training."""
    source: str


@dataclass(frozen=True, slots=True)
class _Pass:
    """When a pass was first told of."""

    step: int
    place: int
    first_step: int

    def begin(self, iterations_per_step: float) -> int:
        """Its first step, as far as that is known."""
        if self.first_step > 0:
            return self.first_step
        before = (self.place - 1) / iterations_per_step if self.place > 0 else 0
        return max(1, self.step - int(before))


class TotalSeries:
    """The newest position of one process in its loops, and where its passes have begun; bounded."""

    def __init__(self) -> None:
        self._newest: TotalEvent | None = None
        self._passes: dict[int, _Pass] = {}
        self._iterations_per_step = 1.0
        self._compared = False
        """Whether that is from two places of the same pass; a loader that is a batch ahead does not matter then."""

    def add(self, event: TotalEvent) -> int | None:
        """Add what the agent has told; returns the first step of a new pass, other than the first that is told of.

        A `ValueError` for numbers that no training has.
        """
        numbers = event.step, event.pass_number, event.passes, event.place, event.length, event.first_step, event.steps
        if any(number >= MOST_NUMBER for number in numbers):
            raise ValueError("a training of more steps than any has")
        before, self._newest = self._newest, event
        if before is not None and (before.source, before.reason, before.passes) != (
            event.source, event.reason, event.passes,
        ):  # fmt: skip
            self._passes.clear()  # another loop
        elif before is not None and event.pass_number < before.pass_number:
            self._passes.clear()  # the same one, once more
        if event.place > 0:
            self._compare(before, event)
        if event.pass_number < 0 or event.pass_number in self._passes:
            return None
        begun = self._passes[event.pass_number] = _Pass(event.step, event.place, event.first_step)
        if len(self._passes) > MOST_PASSES:
            del self._passes[next(iter(self._passes))]
        return begun.begin(self._iterations_per_step) if len(self._passes) > 1 else None

    def outstanding(self, step: int, epochs: int | None) -> Outstanding:
        """What is left after a step, with the number of epochs that the user has named for programs that do not tell.

        Raises `UnknownTotalError`.
        """
        event = self._newest
        if event is None:
            raise UnknownTotalError("nothing has told yet how long the training is")
        passes, source = event.passes, event.source
        if passes < 0 and epochs is not None and event.pass_number >= 0:
            passes, source = epochs, f"--epochs {epochs}"
        if passes < 0 and event.steps < 0:
            raise UnknownTotalError(event.reason)
        if event.pass_number >= passes and event.steps < 0:
            raise UnknownTotalError("the training goes on after the last epoch", source)
        found = None
        if 0 <= event.pass_number < passes and not self._ends_within_pass(event):
            found = self._by_passes(event, passes, step, source)
        found = _limited(found, event, step, source)
        if step > found.all_steps * (1 + BEYOND) + 1:
            raise UnknownTotalError("the training goes on after the expected number of steps", source)
        return found

    def _ends_within_pass(self, event: TotalEvent) -> bool:
        """Whether a given number of steps ends the training before its pass is over."""
        begin = self._passes[event.pass_number].begin(self._iterations_per_step)
        return 0 <= event.steps < begin + event.length / self._iterations_per_step

    def _compare(self, before: TotalEvent | None, event: TotalEvent) -> None:
        """Learn how many iterations a step has."""
        if before is not None and before.pass_number == event.pass_number and 0 < before.place < event.place:
            done, steps = event.place - before.place, event.step - before.step
            self._compared = steps > 0
        elif event.first_step > 0 and not self._compared:
            done, steps = event.place, event.step - event.first_step + 1
        else:
            return
        if steps > 0:
            self._iterations_per_step = done / steps

    def _by_passes(self, event: TotalEvent, passes: int, step: int, source: str) -> Outstanding:
        numbers = sorted(self._passes)
        begins = [self._passes[number].begin(self._iterations_per_step) for number in numbers]
        strides = [later - number for number, later in pairwise(numbers)]
        stride = Counter(strides).most_common(1)[0][0] if strides else 1
        left = passes - event.pass_number
        if left > stride and not strides:
            raise UnknownTotalError("what lies between two epochs has not been seen yet", source)
        if strides:
            each = (begins[-1] - begins[0]) / (numbers[-1] - numbers[0])
        elif event.length > 0:
            each = event.length / self._iterations_per_step
        else:
            raise UnknownTotalError("the length of an epoch is not known", source)
        last = begins[-1] + left * each - 1
        lengths = [(later - begin) / stride for begin, later, stride in zip(begins, begins[1:], strides, strict=False)]
        exact = all(one.first_step > 0 or one.place > 0 for one in self._passes.values())
        deviation = stdev(lengths) * stride if len(lengths) > 1 and exact else 0.0
        return Outstanding(
            steps=max(0.0, last - step),
            borders=ceil(left / stride),
            second_epoch=begins[1] if strides else None,
            is_at_border=round(begins[-1] + each * stride) - 1 <= step,
            steps_deviation=deviation if deviation > 1 else 0.0,
            epochs=ceil(passes / stride),
            all_steps=round(last),
            source=source,
        )


def _limited(by_passes: Outstanding | None, event: TotalEvent, step: int, source: str) -> Outstanding:
    """What is left if the training ends after some number of steps, if that is known and comes first."""
    steps = float(max(0, event.steps - step))
    if by_passes is None:
        return Outstanding(steps, 0, None, False, 0.0, None, event.steps, source)
    if not 0 <= event.steps < by_passes.all_steps:
        return by_passes
    share = steps / by_passes.steps if by_passes.steps else 0.0
    return replace(
        by_passes,
        steps=steps,
        borders=int(by_passes.borders * share),
        steps_deviation=0.0,
        epochs=None,
        all_steps=event.steps,
    )
