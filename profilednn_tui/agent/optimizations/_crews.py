"""Hands the workers of one iterator of a DataLoader on to the next, instead of ending them and starting others.

To the dataset's code, the workers must look as if they had just been started: each gets the random seeds that a new one
would get, and says whether its copy of the dataset, and what else fetching reads, is still as it was at the start.
Otherwise new ones are started, as in a plain run; so they are if the program has changed the dataset since.
"""

from __future__ import annotations

import os
import random
import sys
import weakref
from typing import Any

from ._data_state import data_state

CHANGED = -1
"""A worker's answer if something has changed in it."""


class Crew:
    """The workers of an iterator that has ended."""

    def __init__(self, iterator: Any, state: int) -> None:
        self.attributes = dict(iterator.__dict__)
        self.state = state
        """Of what fetching reads, in the main process when they were started."""
        self._owner = os.getpid()
        self.unused: weakref.finalize[..., Any] | None = None
        """Ends them when the loader is gone."""

    def is_there(self) -> bool:
        """Whether all workers of this process are still alive."""
        return os.getpid() == self._owner and all(worker.is_alive() for worker in self.attributes["_workers"])

    def end(self, kind: Any) -> None:
        """End them as torch does; in a forked child, only forget them."""
        leaving = kind.__new__(kind)
        leaving.__dict__.update(self.attributes)
        leaving._shutdown = os.getpid() != self._owner
        leaving._shutdown_workers()


class Resume:
    """Sent to a worker; there, it arrives as torch's own message of that kind, after the worker was seeded anew."""

    def __init__(self, base_seed: int, state: int) -> None:
        self._base_seed = base_seed
        self._state = state

    def __reduce__(self) -> tuple[Any, ...]:
        return _resume, (self._base_seed, self._state)


def take_over(torch: Any, crew: Crew, loader: Any) -> Any:
    """An iterator with workers that another has left; None if something has changed in them, so that they must end."""
    module = torch.utils.data.dataloader
    kind, signals, worker = module._MultiProcessingDataLoaderIter, module._utils.signal_handling, module._utils.worker
    iterator = kind.__new__(kind)
    iterator.__dict__.update(crew.attributes)
    iterator._shutdown = False
    module._BaseDataLoaderIter.__init__(iterator, loader)  # draws a base seed, as for every new iterator
    for queue in iterator._index_queues:
        queue.put(Resume(iterator._base_seed, crew.state))
    changed, waiting = False, len(iterator._workers)
    while waiting:
        answer, _ = iterator._get_data()  # what the last iteration has left over comes first
        if isinstance(answer, worker._ResumeIteration):
            changed, waiting = changed or answer.seed == CHANGED, waiting - 1
    if changed:
        iterator._shutdown = True  # so that it does not end the workers
        return None
    signals._set_worker_pids(id(iterator), tuple(one.pid for one in iterator._workers))
    iterator._worker_pids_set = True
    iterator._reset(loader, first_iter=True)
    return iterator


def _resume(base_seed: int, state: int) -> Any:
    """Runs in a worker."""
    torch: Any = sys.modules["torch"]
    worker = torch.utils.data._utils.worker
    me = worker._worker_info
    if me is None:
        return worker._ResumeIteration(CHANGED)
    try:
        changed = data_state(torch, me.dataset, *_collate_of_parent) != state
    except Exception:  # noqa: BLE001 - whatever cannot be told counts as a change
        changed = True
    seed = base_seed + me.id
    random.seed(seed)
    torch.manual_seed(seed)
    if worker.HAS_NUMPY:
        sys.modules["numpy"].random.seed(worker._generate_state(base_seed, me.id))
    object.__setattr__(me, "seed", seed)
    return worker._ResumeIteration(CHANGED if changed else None)


_collate_of_parent: list[Any] = []
"""Set while workers are started, which inherit it: the loader's collate function."""


def starting(loader: Any) -> None:
    """Workers are about to be forked for this loader."""
    _collate_of_parent[:] = [loader.collate_fn]
