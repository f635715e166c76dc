"""Facts about the program's DataLoaders: how each is set up, and what the training thread spends at it."""

from __future__ import annotations

import os
import sys
import time
import weakref
from typing import Any, Callable

from ...protocol.events import LoadersEvent
from ..isolation.guard import OUR_FOLDER, attempt

MOST = 16
"""DataLoaders that are told apart. Those beyond are not reported."""
GROWTH = 1.25
"""Figures are reported again when there are this many times more batches."""
DEPTH = 20
"""Callers that are searched for the program's own line."""


class _Facts:
    """One DataLoader, or several created alike at the same line, as in a program that makes one for each epoch."""

    def __init__(self, setting: tuple[Any, ...], source: tuple[str, int]) -> None:
        self.setting = setting
        self.source = source
        self.iterators = self.starts = self.batches = 0
        self.workers: tuple[int, ...] = ()
        """Process IDs of the newest ones."""
        self.length: int | None = None
        """Number of batches of an iteration; -1 if unknown, None before anyone has asked."""
        self.start_ns = self.first_ns = self.end_ns = self.wait_ns = 0

    def row(self) -> list[Any]:
        times = (self.start_ns, self.first_ns, self.end_ns, self.wait_ns)
        return [*self.setting, self.iterators, self.starts, self.batches, *times, *self.source]


class Iteration:
    """One run over a DataLoader."""

    __slots__ = ("after_step", "batches", "ended", "facts", "first", "iterator", "number")

    def __init__(self, facts: _Facts, iterator: Any, first: int, after_step: int) -> None:
        self.facts = facts
        self.iterator = weakref.ref(iterator)
        self.first = first
        """How many more batches come from workers that have just been started."""
        self.after_step = after_step
        """The newest step when it was started."""
        self.number = facts.iterators
        """Among those of the same facts, from 1."""
        self.batches = 0
        self.ended = False


class LoaderFacts:
    """Called on the training thread by the hooks of DataLoaders; `news` on the agent's thread."""

    def __init__(self, torch: Any, steps: Callable[[], int] = int) -> None:
        """`steps` returns the number of the newest step."""
        self.newest: Iteration | None = None
        """The one that has delivered the newest batch."""
        self._steps = steps
        self._data = torch.utils.data
        self._known: dict[tuple[Any, ...], _Facts] = {}
        self._running: weakref.WeakKeyDictionary[Any, Iteration] = weakref.WeakKeyDictionary()
        """By iterator."""
        self._reported = (0, 0)

    def started(self, loader: Any, iterator: Any, took_ns: int) -> None:
        """A DataLoader has started an iterator, or has started a persistent one anew."""
        setting = self._setting(loader)
        source = _source(sys._getframe(2))
        facts = self._known.get((setting, source))
        if facts is None:
            if len(self._known) >= MOST:
                return
            facts = self._known[setting, source] = _Facts(setting, source)
        facts.iterators += 1
        workers = tuple(worker.pid for worker in getattr(iterator, "_workers", ()))
        if workers != facts.workers:
            facts.starts += 1
            facts.workers = workers
        facts.start_ns += took_ns
        self._running[iterator] = Iteration(facts, iterator, max(1, setting[2]), self._steps())

    def delivered(self, iterator: Any, took_ns: int) -> None:
        """An iterator has delivered a batch."""
        running = self._running.get(iterator)
        if running is None:
            return
        self.newest, facts = running, running.facts
        running.batches += 1
        facts.batches += 1
        if running.first:
            facts.first_ns += took_ns
            running.first -= 1
        else:
            facts.wait_ns += took_ns

    def exhausted(self, iterator: Any, took_ns: int) -> None:
        """An iterator had no batch left."""
        running = self._running.pop(iterator, None)
        if running is not None:
            running.facts.end_ns += took_ns
            running.ended = True

    def news(self, final: bool) -> list[LoadersEvent]:
        """The facts, if they have changed much since the last time, or at all if `final`."""
        known = list(self._known.values())
        iterators = sum(facts.iterators for facts in known)
        batches = sum(facts.batches for facts in known)
        before = self._reported
        grown = batches > before[1] if final else batches >= GROWTH * max(1, before[1])
        if not known or not (grown or iterators >= GROWTH * max(1, before[0]) or (final and iterators > before[0])):
            return []
        self._reported = iterators, batches
        return [LoadersEvent([facts.row() for facts in known], time.time_ns())]

    def _setting(self, loader: Any) -> tuple[Any, ...]:
        workers = _count(loader, "num_workers", 0)
        return (
            type(loader.dataset).__name__,
            int(isinstance(loader.dataset, self._data.IterableDataset)),
            workers,
            _count(loader, "prefetch_factor", -1) if workers else -1,
            int(bool(getattr(loader, "persistent_workers", False))),
            _batch_size(loader),
        )

    def length(self, iteration: Iteration) -> int:
        """The number of batches of an iteration over a loader with samplers of torch's own; -1 if unknown.

        That asks the dataset for its length, once, as torch's samplers do whenever they begin. Other samplers may
        compute theirs, and the length of an `IterableDataset` makes torch compare it with what comes.
        """
        facts, iterator = iteration.facts, iteration.iterator()
        if facts.length is None:
            facts.length = -1
            sampler = getattr(iterator, "_index_sampler", None)
            stream = isinstance(getattr(iterator, "_dataset", None), self._data.IterableDataset)
            if not stream and _is_torch_s(sampler) and _is_torch_s(getattr(sampler, "sampler", sampler)):
                length, _ = attempt(len, sampler)
                facts.length = -1 if length is None else length
        return facts.length


def _is_torch_s(sampler: Any) -> bool:
    return type(sampler).__module__.startswith("torch.utils.data.")


def _batch_size(loader: Any) -> int:
    size = _count(loader, "batch_size", -1)
    return size if size >= 0 else _count(getattr(loader, "batch_sampler", None), "batch_size", -1)


def _count(owner: Any, name: str, unknown: int) -> int:
    value = getattr(owner, name, None)
    return value if type(value) is int and value >= 0 else unknown


def _source(frame: Any) -> tuple[str, int]:
    """The nearest line outside of installed packages; the caller's if there is none."""
    first: tuple[str, int] | None = None
    for _ in range(DEPTH):
        if frame is None:
            break
        file = frame.f_code.co_filename
        if not file.startswith(OUR_FOLDER):
            first = first or (file, frame.f_lineno)
            if f"{os.sep}site-packages{os.sep}" not in file and f"{os.sep}dist-packages{os.sep}" not in file:
                return file, frame.f_lineno
        frame = frame.f_back
    return first or ("", 0)
