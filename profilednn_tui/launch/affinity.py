"""The logical CPUs that a target is started on."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager


@contextmanager
def on_processors(processors: Collection[int]) -> Iterator[None]:
    """Restrict processes started in the block to these logical CPUs; if none are named, to all that we may use."""
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
