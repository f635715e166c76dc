"""What ends a step: the optimizer's update, or the next best sign in a program without a torch optimizer."""

from __future__ import annotations

import weakref
from typing import Any, Callable

from .timeline import Cut

PATIENCE = 3
"""Iterations without an optimizer's update after which another sign is taken, in a program without any optimizer."""
PATIENCE_WITH_OPTIMIZER = 64
"""The same where an optimizer exists: gradients may be accumulated that long."""


class Boundaries:
    """Decides which events end a step.

    While no optimizer has stepped, DataLoader iterations and root-module calls are kept as candidates; when patience
    runs out the better of the two becomes the source, and its kept cuts become the first steps.
    """

    def __init__(self, any_optimizer: Callable[[], bool]) -> None:
        self._any_optimizer = any_optimizer
        self.source: str | None = None
        self.reason = ""
        self.batches = 0
        self.forwards = 0
        self.backwards = 0
        self.optimizer_steps = 0
        self._owner: Any = _nobody
        self._stepped: list[int] = []
        self._root: Any = _nobody
        self._candidates: dict[str, list[Cut]] = {"dataloader": [], "forward": []}

    def on_optimizer(self, optimizer: Any) -> bool:
        """Whether this update ends a step.

        With several optimizers the first one seen does, until another is seen twice without it: then that one leads.
        """
        self.optimizer_steps += 1
        if self.source != "optimizer":
            self.source, self.reason = "optimizer", f"a step ends at the update of {type(optimizer).__name__}"
            self._candidates.clear()
        owner = self._owner()
        if owner is optimizer:
            self._stepped.clear()
            return True
        if owner is None or id(optimizer) in self._stepped:
            self._owner = weakref.ref(optimizer)
            self._stepped.clear()
            return True
        self._stepped.append(id(optimizer))
        return False

    def on_batch(self) -> bool:
        """A DataLoader is asked for a batch; whether that is a candidate or an end."""
        self.batches += 1
        return self.source is None or self.source == "dataloader"

    def on_forward(self, module: Any) -> bool:
        """A root module is called; likewise."""
        self.forwards += 1
        if self.source is None and self._root() is None:
            self._root = weakref.ref(module)
        return (self.source is None or self.source == "forward") and self._root() is module

    def settle(self, sign: str, cut: Cut) -> list[Cut]:
        """Cuts that bound steps: those kept so far when `sign` becomes the source, the new one when it is, or none."""
        if self.source == sign:
            return [cut]
        kept = self._candidates[sign]
        kept.append(cut)
        if len(kept) <= PATIENCE:
            return []
        optimizer = self._any_optimizer()
        trains = self.backwards >= len(kept) - 2
        if optimizer and not (trains and len(kept) > PATIENCE_WITH_OPTIMIZER):
            del kept[: -PATIENCE_WITH_OPTIMIZER - 1]
            return []
        if sign == "forward" and len(self._candidates["dataloader"]) >= PATIENCE and trains:
            return []  # the DataLoader, asked for every batch, is the better sign and about to win
        self.source = sign
        what = "DataLoader iterations" if sign == "dataloader" else "calls of the model"
        self.reason = f"no torch optimizer has made an update: steps are {what}"
        self._candidates.clear()
        return kept


def _nobody() -> None:
    return None


def any_optimizer_class_in_use(optimizer_class: Any) -> bool:
    """Whether an optimizer has been constructed: torch marks the ``step`` of a class at its first instance."""
    pending = list(optimizer_class.__subclasses__())
    while pending:
        found = pending.pop()
        if getattr(found.__dict__.get("step"), "hooked", False):
            return True
        pending.extend(found.__subclasses__())
    return False
