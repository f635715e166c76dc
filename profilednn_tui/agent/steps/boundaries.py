"""What ends a step: the optimizer's update, or the next best sign if the program has no torch optimizer."""

from __future__ import annotations

import weakref
from typing import Any, Callable, NamedTuple

from ...protocol.vocabulary import DATALOADER, FORWARD, OPTIMIZER
from .timeline import Cut

PATIENCE = 3
"""Iterations without an optimizer update after which another sign is used, if the program has no optimizer."""
PATIENCE_WITH_OPTIMIZER = 256
"""The same if an optimizer exists: gradients may be accumulated for that long."""
LOADER_SHARE = 1 / 3
"""The DataLoader is the better sign if at least this share of iterations begins with a batch: one batch may serve
several forward and backward passes, such as those of a generator and its critic."""

_ENDED_BY_A_BATCH = (None, DATALOADER, FORWARD)
_ENDED_BY_A_FORWARD_PASS = (None, FORWARD)


class Mark(NamedTuple):
    """Where a step ends, and the loss that reached its backward pass."""

    cut: Cut
    loss: float | None


class Leader:
    """Decides which of several optimizers or models ends steps: the first, until another is seen twice without it."""

    def __init__(self) -> None:
        self._leader: Any = _no_referent
        self._others: dict[int, Mark] = {}
        """Marks of others since the leader was last seen."""

    def follow(self, thing: Any, mark: Mark) -> list[Mark]:
        """Return the marks at which steps have ended, given that `thing` was seen at `mark`."""
        leader = self._leader()
        earlier = self._others.get(id(thing))
        if leader is not thing and leader is not None and earlier is None:
            self._others[id(thing)] = mark
            return []
        if leader is not thing:
            self._leader = weakref.ref(thing)
        self._others.clear()
        return [mark] if earlier is None else [earlier, mark]


class Boundaries:
    """Decides which events end a step.

    Without optimizer updates, a step ends at the next batch or forward pass after a backward pass; module calls without
    gradients end none. Until it is known that there will be no update, such marks are kept; they become the first steps
    when patience runs out.
    """

    def __init__(self, any_optimizer: Callable[[], bool]) -> None:
        self._any_optimizer = any_optimizer
        self.source: str | None = None
        self.reason = ""
        self.batches = 0
        self.forwards = 0
        self.inferences = 0
        self.backwards = 0
        self.optimizer_steps = 0
        self.learned = False
        """Whether there has been a backward pass since the last mark."""
        self._ends_graphs = False
        """Whether there has been a backward pass that creates no graph."""
        self._optimizers = Leader()
        self._models = Leader()
        self._kept: list[tuple[str, Mark]] = []
        self._pause: Mark | None = None
        """Where the program turned to something else, if there has been no sign of training since."""

    def on_backward(self, keeps_graph: bool = False) -> bool:
        """A backward pass begins; returns whether it counts towards a step.

        A differentiable backward pass computes part of a loss, such as a penalty, unless the program makes no others,
        as with ``torch.func.grad``.
        """
        if keeps_graph and self._ends_graphs:
            return False
        if not keeps_graph and not self._ends_graphs:
            self._ends_graphs = True
            self._kept.clear()
        self.backwards += 1
        self.learned = True
        self._pause = None
        return True

    def on_update(self, optimizer: Any, mark: Mark) -> list[Mark]:
        """An optimizer has made its update; returns the marks at which steps have ended, the newest of which is now."""
        self.optimizer_steps += 1
        if self.source != OPTIMIZER:
            self.source, self.reason = OPTIMIZER, f"each update of {type(optimizer).__name__} ends a step"
            self._kept.clear()
        marks = self._optimizers.follow(optimizer, mark)
        self.learned = self.learned and not marks
        return marks

    def batch_may_end(self) -> bool:
        """Whether a batch requested now ends a step, as far as is known."""
        return self.learned and self.source in _ENDED_BY_A_BATCH

    def forward_may_end(self) -> bool:
        """Whether a forward pass beginning now ends a step, as far as is known."""
        return self.learned and self.source in _ENDED_BY_A_FORWARD_PASS

    def may_pause(self) -> bool:
        """Whether a module call without gradients ends a step if no sign of training follows."""
        return self.learned and self._pause is None and self.source != OPTIMIZER

    def pause(self, mark: Mark) -> None:
        """The program turns to something else, perhaps for good."""
        self._pause = mark

    def on_batch(self, mark: Mark) -> list[Mark]:
        """A batch that may end a step is requested; returns marks as in `on_update`, if they are known already."""
        return self._settle(DATALOADER, [mark])

    def on_forward(self, module: Any, mark: Mark) -> list[Mark]:
        """A forward pass that may end a step begins; returns marks as in `on_update`, if they are known already."""
        return self._settle(FORWARD, self._models.follow(module, mark))

    def at_end(self, last: Mark) -> tuple[list[Mark], bool]:
        """The program ends; returns the unreported marks, and whether only `last` ends the last of their steps."""
        if self.source == OPTIMIZER or not (self._kept or self.learned):
            return [], False
        marks = [] if self.source is not None else self._choose()
        if self.learned:
            self.learned = False
            marks.append(self._pause or last)
            return marks, self._pause is None
        return marks, False

    def _settle(self, sign: str, marks: list[Mark]) -> list[Mark]:
        if not marks:
            return []
        self.learned = False
        self._pause = None
        if self.source is not None:
            return marks
        self._kept += [(sign, mark) for mark in marks]
        patience = PATIENCE_WITH_OPTIMIZER if self._any_optimizer() else PATIENCE
        if len(self._kept) <= patience or (sign == FORWARD and self._loader_leads()):
            return []
        return self._choose()

    def _loader_leads(self) -> bool:
        batches = sum(sign == DATALOADER for sign, _ in self._kept)
        return batches >= LOADER_SHARE * len(self._kept) > 0

    def _choose(self) -> list[Mark]:
        self.source = DATALOADER if self._loader_leads() else FORWARD
        what = "DataLoader iterations" if self.source == DATALOADER else "model calls"
        self.reason = f"no torch optimizer has made an update: steps are {what}"
        kept, self._kept = self._kept, []
        return [mark for sign, mark in kept if self.source == FORWARD or sign == DATALOADER]


class Beginning:
    """Where the first step begins: with the batch or the forward pass that led to the first backward pass.

    Anything before that, such as generating data with a model or evaluating one, belongs to no step.
    """

    def __init__(self) -> None:
        self.cut: Cut | None = None
        self._module: Any = _no_referent
        """The module whose forward pass was taken as the beginning."""
        self._called = False
        """Whether a module has been called since."""
        self._inferred = False
        """Whether a module has been called without gradients since."""

    def on_batch(self, cut: Callable[[], Cut]) -> None:
        """A batch is requested."""
        if self.cut is None or self._called:
            self._begin(cut(), _no_referent)

    def on_last_batch(self) -> None:
        """The requested batch does not exist: the DataLoader is exhausted."""
        self.cut = None

    def on_forward(self, module: Any, cut: Callable[[], Cut]) -> None:
        """A forward pass begins."""
        if self.cut is None or (self._inferred and self._module() is module):
            self._begin(cut(), weakref.ref(module))
        self._called = True

    def on_inference(self) -> None:
        """A module is called without gradients."""
        self._called = self._inferred = True

    def _begin(self, cut: Cut, module: Any) -> None:
        self.cut, self._module, self._called, self._inferred = cut, module, False, False


def _no_referent() -> None:
    return None


def any_optimizer_class_in_use(optimizer_class: Any) -> bool:
    """Whether an optimizer has been constructed: torch marks the ``step`` of a class when it is first instantiated."""
    pending = list(optimizer_class.__subclasses__())
    while pending:
        found = pending.pop()
        if getattr(found.__dict__.get("step"), "hooked", False):
            return True
        pending.extend(found.__subclasses__())
    return False
