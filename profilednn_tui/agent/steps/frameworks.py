"""How long a training is that a framework runs, as its own objects have it; read, never called."""

from __future__ import annotations

import os
from types import FrameType
from typing import Any, NamedTuple

from ..isolation.frame_variables import attribute, variable
from .counting import MOST_ITERATIONS

_TRANSFORMERS = os.path.join("transformers", "trainer.py"), "_inner_training_loop"
_LIGHTNING = os.path.join("loops", "fit_loop.py"), "run"
"""The file and the function whose `self` knows."""
_ROUNDING = 1e-6


class Outlook(NamedTuple):
    """What is known of the loops around a step, in the terms of `TotalEvent`."""

    pass_number: int = -1
    passes: int = -1
    length: int = -1
    steps: int = -1
    source: str = ""
    reason: str = ""
    place: int = -1
    first_step: int = -1


def outlook_of(frame: FrameType, step: int) -> Outlook | None:
    """What the framework to which a frame belongs knows in step `step`; None if it is none or tells nothing."""
    code = frame.f_code
    for (file, function), read in ((_TRANSFORMERS, _of_transformers), (_LIGHTNING, _of_lightning)):
        if code.co_name == function and code.co_filename.endswith(os.sep + file):
            return read(variable(frame, "self"), step)
    return None


def _of_transformers(trainer: Any, step: int) -> Outlook | None:
    state = attribute(trainer, "state")
    most, done, epochs = (_whole(state, name) for name in ("max_steps", "global_step", "num_train_epochs"))
    if most < 1 or done < 0:
        return None
    epoch = attribute(state, "epoch")
    number = int(epoch + _ROUNDING) if type(epoch) in (int, float) else 0 if done == 0 else -1
    source = "max_steps of transformers.Trainer"
    # The trainer counts a step once the optimizer has returned.
    return Outlook(number, epochs if epochs > 0 else -1, steps=step - 1 + most - done, source=source)


def _of_lightning(loop: Any, step: int) -> Outlook | None:
    epochs, length = _whole(loop, "max_epochs"), _whole(loop, "max_batches")
    number = _whole(_path(loop, "epoch_progress", "current"), "processed")
    inner = attribute(loop, "epoch_loop")
    most = _whole(inner, "max_steps")
    updates = _path(inner, "automatic_optimization", "optim_progress", "optimizer", "step", "total")
    done = _whole(updates, "completed")
    steps = step - 1 + most - done if most > 0 and done >= 0 else -1
    if epochs < 1 and steps < 0:
        return None
    source = " and ".join(name for name, known in (("max_epochs", epochs > 0), ("max_steps", steps > 0)) if known)
    return Outlook(number, epochs, length, steps, f"{source} of lightning.Trainer")


def _path(owner: Any, *names: str) -> Any:
    for name in names:
        owner = attribute(owner, name)
    return owner


def _whole(owner: Any, name: str) -> int:
    """A whole number; -1 if it is none."""
    value = attribute(owner, name)
    return value if type(value) is int and value < MOST_ITERATIONS else -1
