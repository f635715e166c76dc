"""Worker processes that prepare the batches of a DataLoader without workers, exactly as the main process would.

The program keeps its own iterator and sampler. The batches that the main process has fetched first are fetched again by
the workers and compared; from then on, each worker says with each batch whether fetching it drew random numbers or
changed anything. If it did, or if anything goes wrong, the main process fetches that batch and all later ones itself:
whatever has not been delivered was not fetched, as far as the program can see.
"""

from __future__ import annotations

import math
import os
import resource
import statistics
import time
import warnings
import weakref
from collections import deque
from contextlib import suppress
from typing import Any, Callable

from . import Declined
from ._data_state import batch_state, data_state, extent, random_state

OBSERVED = 3
"""Batches that are fetched by the main process under observation, and compared with what the workers make of them."""
LEAST_FETCH_NS = 2_000_000
"""Handing a batch from one process to another takes up to a millisecond."""
WORTH_NS = 200_000_000
"""Workers start once this much time was spent in fetching: about what starting them takes."""
PREFETCH = 2
"""Batches in advance, for each worker."""
MOST_CHANGES = 3
LEAST_TIMEOUT_S = 60.0
CHECK_EVERY = 16
"""Batches between two looks at the process's open files and shared memory."""
OWNER = "_profilednn_owner"
"""Attribute of torch's iterator behind a `Pool`: the process that may end its workers. Forked children inherit it."""
SHARED_MEMORY = "/dev/shm"


class Refused:
    """Sent by a worker in place of a batch that must be fetched by the main process."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


class Watched:
    """What fetching a loader's batches may read or change."""

    def __init__(self, torch: Any, loader: Any) -> None:
        self._torch = torch
        self._roots = (loader.dataset, loader.collate_fn)

    def state(self, all_items: bool = False) -> int:
        return data_state(self._torch, *self._roots, all_items=all_items)


class Fetching:
    """One DataLoader: how its batches have been fetched so far, and its workers."""

    def __init__(self, torch: Any, loader: Any, most_workers: int, give_up: Callable[[str], None]) -> None:
        self._torch = torch
        self._loader_attributes = loader.__dict__
        self._watched = Watched(torch, loader)
        self._most_workers = most_workers
        self._workers = 1
        self._give_up = give_up
        self._observed: list[tuple[Any, int]] = []
        """Indices and contents of the batches observed."""
        self._batch_bytes = self._batch_tensors = 0
        self._all_items: int | None = None
        self._changes = 0
        """How often the program has changed the dataset before workers could start."""
        self._spent_ns = self._fetched = 0
        self._between_ns: deque[int] = deque(maxlen=64)
        """From the end of fetching a batch to the beginning of the next: what training takes for one."""
        self._ended_ns = 0
        """When the last batch had been fetched."""
        self._slowest_ns = 0
        self._pool: Pool | None = None
        self._owner = os.getpid()
        self.off = False
        self.from_workers = 0
        self.just_started = False

    def __del__(self) -> None:
        # The loader is gone. Its workers are in reference cycles: if the garbage collector ended them, at some time,
        # it could have closed the pipe to them before, and torch would wait 5 s for each.
        with suppress(Exception):
            self.close()

    @property
    def workers(self) -> int:
        return self._workers

    @property
    def mean_ns(self) -> float:
        """Of the batches fetched by the main process."""
        return self._spent_ns / self._fetched if self._fetched else 0.0

    def refuse(self, reason: str) -> None:
        """From now on, the main process fetches."""
        self.off = True
        self.close()
        self._give_up(reason)

    def close(self) -> None:
        """End the workers."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.close()

    def pool_for(self, source: Source) -> Pool | None:
        """The workers, if they are to fetch what is left of an iteration; None for the main process."""
        if self.off or os.getpid() != self._owner:
            return None
        if self._pool is None:
            if len(self._observed) < OBSERVED or self.mean_ns < LEAST_FETCH_NS or self._spent_ns < WORTH_NS:
                return None
            return self._start(source)
        if self._pool.busy():
            return None  # another iterator of the same loader is using them
        if self._watched.state() != self._pool.state:  # as in `set_epoch`: the next batches are observed again
            self.close()
            self._observed.clear()
            return None
        self._pool.begin(source)
        return self._pool

    def _start(self, source: Source) -> Pool | None:
        state = self._watched.state()
        if self._watched.state(all_items=True) != self._all_items:
            self._changes += 1
            if self._changes > MOST_CHANGES:
                raise Declined("the program changes the dataset while it iterates over it")
            self._observed.clear()
            return None
        training_ns = statistics.median(self._between_ns) if self._between_ns else self.mean_ns
        self._workers = enough_workers(self.mean_ns, training_ns, self._most_workers)
        _check_room(self._batch_tensors, self._batch_bytes, (PREFETCH + 1) * self._workers + 1)
        timeout_s = max(LEAST_TIMEOUT_S, 50e-9 * self._slowest_ns)
        pool = Pool(self._torch, self._loader_attributes, self._watched, state, self._workers, timeout_s)
        self._pool = pool
        self.just_started = True
        pool.begin(source, [index for index, _ in self._observed])
        for _, contents in self._observed:
            batch = pool.next_batch()
            pool.sent.popleft()
            pool.replayed -= 1
            if isinstance(batch, Refused):
                raise Declined(batch.reason)
            if batch_state(self._torch, batch) != contents:
                raise Declined("another process prepares other values for the same batch")
        return pool

    def fetch(self, original: Callable[[Any], Any], iterator: Any, source: Source) -> Any:
        """Fetch a batch in the main process; the first ones are observed."""
        if self.off or len(self._observed) >= OBSERVED:
            began_ns = time.perf_counter_ns()
            batch = original(iterator)
            self._count(began_ns)
            return batch
        try:
            now = self._watched.state(all_items=True)
            if now != self._all_items:  # the first batch, or the program has changed the dataset
                self._all_items = now
                self._observed.clear()
        except Exception as error:  # noqa: BLE001 - objects of the program that fail when they are inspected
            self.refuse(reason_of(error))
            return original(iterator)
        source.observe(lambda: (random_state(self._torch), time.perf_counter_ns()))
        batch = original(iterator)
        self._count(source.before[1])
        try:
            if random_state(self._torch) != source.before[0]:
                raise Declined("fetching a batch draws random numbers")
            if self._watched.state(all_items=True) != self._all_items:
                raise Declined("fetching a batch changes the dataset")
            tensors, size = extent(self._torch, batch)
            self._batch_tensors, self._batch_bytes = max(self._batch_tensors, tensors), max(self._batch_bytes, size)
            self._observed.append((source.last, batch_state(self._torch, batch)))
        except Exception as error:  # noqa: BLE001 - as above
            self.refuse(reason_of(error))
        return batch

    def take(self, pool: Pool) -> Any:
        """The next batch from the workers; `Declined` if the main process must fetch it."""
        batch = pool.next_batch()
        if isinstance(batch, Refused):
            raise Declined(batch.reason)
        if self._watched.state() != pool.state:
            raise Declined("the program changes the dataset while it iterates over it")
        pool.sent.popleft()
        self.from_workers += 1
        if self.from_workers % CHECK_EVERY == 0:
            _check_room(self._batch_tensors, self._batch_bytes, 1)
        return batch

    def _count(self, began_ns: int) -> None:
        now_ns = time.perf_counter_ns()
        took_ns = now_ns - began_ns
        if self._ended_ns:
            self._between_ns.append(began_ns - self._ended_ns)
        self._ended_ns = now_ns
        self._spent_ns += took_ns
        self._fetched += 1
        self._slowest_ns = max(self._slowest_ns, took_ns)


def enough_workers(fetching_ns: float, training_ns: float, most: int) -> int:
    """So many that they prepare a batch in the time that training takes for one, as far as there are processors."""
    return max(1, min(most, math.ceil(fetching_ns / max(1.0, training_ns))))


def reason_of(error: Exception) -> str:
    """Why workers are not used, as a clause after "because"."""
    return str(error) if isinstance(error, Declined) else f"its workers failed ({type(error).__name__}: {error})"[:300]


class Source:
    """Stands in for an iterator's sampler: hands out indices to the main process or to workers, each once, in order."""

    def __init__(self, indices: Any) -> None:
        self._indices = indices
        self._again: deque[Any] = deque()
        self._look: Callable[[], Any] | None = None
        self.before: Any = None
        self.last: Any = None
        self.pool: Pool | None = None

    def observe(self, look: Callable[[], Any]) -> None:
        """Call `look` when the next index has been drawn: what happens afterwards is fetching."""
        self._look = look

    def give_back(self, indices: deque[Any]) -> None:
        """Indices that were drawn, but whose batches were not delivered."""
        self._again.extend(indices)

    def draw(self) -> Any:
        return self._again.popleft() if self._again else next(self._indices)

    def __iter__(self) -> Source:
        return self

    def __next__(self) -> Any:
        self.last = self.draw()
        if self._look is not None:
            self.before, self._look = self._look(), None
        return self.last


class Pool:
    """Worker processes of our own for one loader: torch's iterator with workers, which the program never sees."""

    def __init__(
        self, torch: Any, attributes: dict[str, Any], watched: Watched, state: int, workers: int, timeout_s: float
    ) -> None:
        module = torch.utils.data.dataloader
        self._signals = module._utils.signal_handling
        self.state = state
        self.sent: deque[Any] = deque()
        """Indices whose batches have not been delivered."""
        self.replayed = 0
        """How many of the next batches are for comparison only."""
        self._user: weakref.ref[Source] | None = None
        self._source: Any = None
        """A proxy: when the program drops its iterator, the workers must become free."""
        self._first: deque[Any] = deque()
        self._owner = os.getpid()
        checked = _Checked(torch, attributes["collate_fn"], watched, state)
        self._facade = _Facade(
            attributes,
            num_workers=workers,
            prefetch_factor=PREFETCH,
            persistent_workers=True,
            in_order=True,
            pin_memory=False,
            timeout=timeout_s,
            multiprocessing_context=torch.multiprocessing.get_context("fork"),
            worker_init_fn=checked.begin,
            collate_fn=checked,
            generator=torch.Generator(),
            _index_sampler=self,
            _auto_collation=attributes["batch_sampler"] is not None,
        )
        self._inner: Any = None
        self._kind = module._MultiProcessingDataLoaderIter

    def __iter__(self) -> Any:
        return self

    def __next__(self) -> Any:
        """The index of the next batch to be fetched."""
        if self._source is None:
            raise StopIteration
        index = self._first.popleft() if self._first else self._source.draw()
        self.sent.append(index)
        return index

    def begin(self, source: Source, first: list[Any] | None = None) -> None:
        """Fetch what is left of an iteration, after some indices that were fetched before."""
        self._source, self._first = weakref.proxy(source), deque(first or ())
        self.sent.clear()
        self.replayed = len(self._first)
        self._user, source.pool = weakref.ref(source), self
        if self._inner is None:
            self._inner = self._create()
        else:
            self._inner._reset(self._facade)

    def next_batch(self) -> Any:
        """Raises what torch raises: StopIteration at the end, other exceptions if fetching or a worker failed."""
        return self._inner._next_data()

    def finish(self) -> None:
        """An iteration has ended."""
        self._user = self._source = None

    def undelivered(self) -> deque[Any]:
        """Indices that must be fetched by the main process: those of the comparison were fetched before."""
        return deque(list(self.sent)[self.replayed :])

    def busy(self) -> bool:
        """Whether an iteration is in progress that the program has not dropped."""
        return self._user is not None and self._user() is not None

    def close(self) -> None:
        """End the workers; in a forked child, only forget them."""
        self.finish()
        inner, self._inner = self._inner, None
        if inner is None:
            return
        if os.getpid() == self._owner:
            inner._shutdown_workers()
        else:
            inner._shutdown = True

    def _create(self) -> Any:
        # Without torch's handler of SIGCHLD, which would stay behind, and raises where the program runs.
        installed = self._signals._SIGCHLD_handler_set
        self._signals._SIGCHLD_handler_set = True
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message=".*multi-threaded, use of fork", category=DeprecationWarning)
                inner = self._kind(self._facade)
        finally:
            self._signals._SIGCHLD_handler_set = installed
        self._signals._remove_worker_pids(id(inner))
        inner._worker_pids_set = False
        setattr(inner, OWNER, os.getpid())
        return inner


class _Facade:
    """A DataLoader's attributes, some of them replaced."""

    def __init__(self, attributes: dict[str, Any], **replaced: Any) -> None:
        self.__dict__.update(attributes)
        self.__dict__.update(replaced)


class _Checked:
    """The collate function in a worker; says whether fetching the batch was without effect on anything else."""

    def __init__(self, torch: Any, collate: Any, watched: Watched, state: int) -> None:
        self._torch = torch
        self._collate = collate
        self._watched = watched
        self._state = state
        self._random = 0

    def begin(self, worker: int) -> None:
        # For the dataset's code this is the main process, which has no worker info.
        self._torch.utils.data._utils.worker._worker_info = None
        self._random = random_state(self._torch)

    def __call__(self, samples: Any) -> Any:
        batch = self._collate(samples)
        try:
            if random_state(self._torch) != self._random:
                return Refused("fetching a batch draws random numbers")
            if self._watched.state() != self._state:
                return Refused("fetching a batch changes the dataset")
            extent(self._torch, batch)
        except Declined as declined:
            return Refused(str(declined))
        return batch


def _check_room(tensors: int, size: int, batches: int) -> None:
    """Raise `Declined` near the limits of open files or shared memory; each tensor from a worker takes a file."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = len(os.listdir("/proc/self/fd"))
    if limit != resource.RLIM_INFINITY and used + batches * tensors > limit // 2:
        raise Declined(f"the process may open {limit:,} files, and batches from other processes would take too many")
    room = os.statvfs(SHARED_MEMORY)
    if size * batches > room.f_bavail * room.f_frsize // 2:
        raise Declined(f"{SHARED_MEMORY} is too small for batches of {size:,} bytes on their way between processes")
