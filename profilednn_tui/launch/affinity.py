"""The processors that a target is started on."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager


@contextmanager
def on_processors(processors: Collection[int]) -> Iterator[None]:
    """What is started inside may use these logical CPUs only; with none named, all that we may use."""
    before = os.sched_getaffinity(0)
    wanted = before.intersection(processors)
    if not wanted:
        yield
        return
    os.sched_setaffinity(0, wanted)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
