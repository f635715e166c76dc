"""Writes steps as they end, in processes that may be killed as soon as their parent has their results."""

from __future__ import annotations

from time import perf_counter_ns, thread_time_ns
from typing import Callable

from ..parentage import is_child_of_multiprocessing

CREDIT_NS = 20_000_000
"""Enough for a few hundred steps, so that short tasks are recorded to the last step."""
SHARE = 0.01
"""Share of the time since the first step that may be spent in addition to the credit."""


class WriteThrough:
    """Called after every step; in a child of `multiprocessing`, calls `write` as long as its budget allows."""

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
            self._wanted = is_child_of_multiprocessing()  # only now: unknown right after a fork
        if self._wanted and self._spent_ns <= CREDIT_NS + SHARE * (now_ns - self._begun_ns):
            # CPU time, because waiting for a processor on a busy machine would use up the budget.
            before_ns = thread_time_ns()
            self._write()
            self._spent_ns += thread_time_ns() - before_ns
