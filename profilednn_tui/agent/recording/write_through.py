"""Writes steps as they end, in a process that its parent may end by a signal as soon as it has what it waits for."""

from __future__ import annotations

from time import perf_counter_ns
from typing import Callable

from ..parentage import is_child_of_multiprocessing

CREDIT_NS = 20_000_000
"""Enough for some hundred steps, so that short work is there to its last step."""
SHARE = 0.01
"""Of the time since, for what follows."""


class WriteThrough:
    """Called after every step; in a child of `multiprocessing` it calls `write`, as far as its budget goes."""

    def __init__(self, write: Callable[[], object]) -> None:
        self._write = write
        self._begun_ns = 0
        self._spent_ns = 0
        self._wanted = True

    def __call__(self) -> None:
        if not self._wanted:
            return
        now_ns = perf_counter_ns()
        if not self._begun_ns:
            self._begun_ns = now_ns
            self._wanted = is_child_of_multiprocessing()  # only now: in a forked child that comes after the fork
        if self._wanted and self._spent_ns <= CREDIT_NS + SHARE * (now_ns - self._begun_ns):
            self._write()
            self._spent_ns += perf_counter_ns() - now_ns
