"""Batches prepared by worker processes, and workers kept from one epoch to the next, without changes to the batches."""

from __future__ import annotations

import atexit
import functools
import multiprocessing
import os
import signal
import sys
import types
import weakref
from typing import Any

from ..isolation.guard import without_our_frames
from . import Declined, Missing, Optimization, plural
from ._crews import Crew, starting, take_over
from ._data_state import data_state
from ._fetching import LEAST_FETCH_NS, OBSERVED, OWNER, Fetching, Source, reason_of
from ._inspection import codes_of, is_installed, is_trusted
from ._processors import quota, usable_threads

OUTPUT = frozenset(
    {"print", "input", "write", "writelines", "save", "savez", "savetxt", "dump", "imsave", "imwrite",
     "get_worker_info", "getpid", "current_process", "system", "Popen"}
)  # fmt: skip
"""Names in a dataset's code whose effect would be another one, or come at another time, in another process."""
NEEDED = ("_MultiProcessingDataLoaderIter", "_SingleProcessDataLoaderIter", "_BaseDataLoaderIter", "_utils")


class LoaderWorkers(Optimization):
    name = "loader"
    description = "DataLoader workers for slow datasets, kept from one epoch to the next; batches stay the same"

    def __init__(self, context: Any) -> None:
        super().__init__(context)
        self._fetching: weakref.WeakKeyDictionary[Any, Fetching] = weakref.WeakKeyDictionary()
        """By loader without workers."""
        self._of_iterator: weakref.WeakKeyDictionary[Any, tuple[Fetching, Source]] = weakref.WeakKeyDictionary()
        self._crews: weakref.WeakKeyDictionary[Any, Crew] = weakref.WeakKeyDictionary()
        """By loader with workers, between two iterations."""
        self._working: weakref.WeakKeyDictionary[Any, tuple[Any, int]] = weakref.WeakKeyDictionary()
        """By iterator with workers that may be handed on: its loader, weakly, and the state at their start."""
        self._given_up: weakref.WeakSet[Any] = weakref.WeakSet()
        """Loaders whose workers cannot be handed on."""
        self._examined: weakref.WeakSet[Any] = weakref.WeakSet()
        self._ended = False
        self._loaders: set[str] = set()
        self._quick: dict[str, float] = {}
        """Nanoseconds for each batch, by class of the dataset."""
        self._pools = self._workers = self._batches = self._kept = 0
        self._warming = False

    def missing(self) -> Missing | None:
        if not sys.platform.startswith("linux"):
            return Missing("workers are forked, which is safe on Linux only", "")
        module = getattr(self.torch.utils.data, "dataloader", None) if self.torch is not None else None
        if module is not None and not all(hasattr(module, name) for name in NEEDED):
            return Missing(f"the DataLoader of torch {self.torch.__version__} is built differently", "")
        return None

    def begin_torch(self) -> None:
        module = self.torch.utils.data.dataloader
        self.replace(module.DataLoader, "_get_iterator", self._get_iterator(module.DataLoader._get_iterator))
        single, several = module._SingleProcessDataLoaderIter, module._MultiProcessingDataLoaderIter
        self.replace(single, "_next_data", self._next_data(single._next_data))
        self.replace(several, "_shutdown_workers", self._shutdown_workers(several._shutdown_workers))
        atexit.register(self._end_all)
        self.undo.append(self._end_all)
        self.undo.append(lambda: atexit.unregister(self._end_all))

    def busy(self) -> bool:
        warming, self._warming = self._warming, False
        return warming

    def receipt(self, steps: int) -> str:
        parts = []
        if self._pools:
            parts.append(
                f"{_batches(self._batches)} prepared by "
                f"{plural(self._workers, 'DataLoader worker')} of ours, after {OBSERVED} were compared with those of "
                "the main process"
            )
        if self._kept:
            parts.append(f"DataLoader workers kept {plural(self._kept, 'time')} instead of being started anew")
        return "; ".join(parts)

    def no_effect(self) -> str:
        if self._quick:
            dataset, mean_ns = max(self._quick.items(), key=lambda item: item[1])
            few = mean_ns >= LEAST_FETCH_NS
            reason = "there were too few of them for starting workers" if few else "handing it over would take as long"
            return f"preparing a batch of {dataset} takes {mean_ns / 1e6:.2f} ms, and {reason}"
        if self._loaders:
            return "no DataLoader starts its workers more than once"
        return "the program iterates over no DataLoader"

    # ---- iterators

    def _get_iterator(self, original: Any) -> Any:
        @functools.wraps(original)
        def _get_iterator(loader: Any) -> Any:
            try:
                iterator = self._carefully(loader, self._hand_on)
                if iterator is not None:
                    return iterator
                state = self._carefully(loader, self._state_of)
                iterator = original(loader)
                self._carefully(loader, self._begin, iterator, state)
                return iterator
            except BaseException as error:
                without_our_frames(error)
                raise

        return _get_iterator

    def _carefully(self, loader: Any, method: Any, *arguments: Any) -> Any:
        """The method's result; None if it failed, for the program goes on as without us."""
        try:
            return method(loader, *arguments)
        except Exception as error:  # noqa: BLE001 - objects of the program may fail when they are inspected
            self._given_up.add(loader)
            self._leave_alone(type(loader.dataset).__name__, reason_of(error))
            return None

    def _begin(self, loader: Any, iterator: Any, state: int | None) -> None:
        """A new iterator."""
        kind = type(loader.dataset).__name__
        self._loaders.add(kind)
        module = self.torch.utils.data.dataloader
        if type(iterator) is module._MultiProcessingDataLoaderIter:
            if state is not None:
                self._working[iterator] = weakref.ref(loader), state
            return
        if type(iterator) is not module._SingleProcessDataLoaderIter:
            return
        fetching = self._fetching.get(loader)
        if fetching is None:
            reason = self._doubt(loader, iterator)
            fetching = Fetching(self.torch, loader, most_workers(), lambda reason: self._leave_alone(kind, reason))
            self._fetching[loader] = fetching
            if reason:
                fetching.refuse(reason)
        if not fetching.off:
            source = Source(iterator._sampler_iter)
            iterator._sampler_iter = source
            self._of_iterator[iterator] = fetching, source

    def _leave_alone(self, dataset: str, reason: str) -> None:
        self.left_alone.setdefault(dataset, reason)

    # ---- loaders without workers

    def _next_data(self, original: Any) -> Any:
        @functools.wraps(original)
        def _next_data(iterator: Any) -> Any:
            try:
                found = self._of_iterator.get(iterator)
                if found is None:
                    return original(iterator)
                return self._next_batch(original, iterator, *found)
            except BaseException as error:
                without_our_frames(error)
                raise

        return _next_data

    def _next_batch(self, original: Any, iterator: Any, fetching: Fetching, source: Source) -> Any:
        done, batch = self._from_workers(fetching, source, type(iterator._dataset).__name__)
        if done:
            return batch
        batch = fetching.fetch(original, iterator, source)
        self._quick[type(iterator._dataset).__name__] = fetching.mean_ns
        return batch

    def _from_workers(self, fetching: Fetching, source: Source, dataset: str) -> tuple[bool, Any]:
        """Whether workers have prepared the next batch, and the batch; StopIteration if there is none."""
        pool = source.pool
        try:
            if pool is None:
                pool = fetching.pool_for(source)
                if pool is None:
                    return False, None
                if fetching.just_started:
                    fetching.just_started, self._warming = False, True
                    self._pools += 1
                    self._workers = max(self._workers, fetching.workers)
                    self._quick.pop(dataset, None)
            batch = fetching.take(pool)
        except StopIteration:
            if pool is not None:
                pool.finish()
            source.pool = None
            raise
        except Exception as error:  # noqa: BLE001 - of a worker, or of the dataset: the main process will show it
            pool = source.pool
            source.pool = None
            if pool is not None:
                source.give_back(pool.undelivered())
            fetching.refuse(reason_of(error))
            return False, None
        self._batches += 1
        return True, batch

    def _doubt(self, loader: Any, iterator: Any) -> str:
        """Why workers might change what such a loader delivers; empty if nothing is known."""
        torch = self.torch
        if is_overridden(type(loader), torch):
            return "its class has methods of its own"
        if loader._dataset_kind != torch.utils.data._DatasetKind.Map:
            return "an IterableDataset would give every worker all of its data"
        if multiprocessing.current_process().daemon:
            return "this is a daemonic process, which may not have children"
        if getattr(iterator, "_pin_memory", False):
            return "its batches are pinned for an accelerator"
        if loader.multiprocessing_context is not None:
            return "the program sets its multiprocessing context"
        if signal.getsignal(signal.SIGCHLD) not in (signal.SIG_DFL, signal.SIG_IGN, None) and not _is_torchs_handler():
            return "the program handles SIGCHLD itself"
        return _sampler_doubt(torch, loader) or _code_doubt(loader)

    # ---- loaders with workers

    def _state_of(self, loader: Any) -> int | None:
        """The state in which workers are about to be forked; None if they cannot be handed on."""
        if type(loader.num_workers) is not int or loader.num_workers < 1 or loader.persistent_workers:
            return None
        if loader in self._given_up:
            return None
        if loader not in self._examined:
            self._examined.add(loader)
            reason = self._crew_doubt(loader)
            if reason:
                raise Declined(reason)
        starting(loader)
        return data_state(self.torch, loader.dataset, loader.collate_fn)

    def _crew_doubt(self, loader: Any) -> str:
        """Why workers that are handed on might deliver something else than new ones; empty if nothing is known."""
        torch = self.torch
        if loader._dataset_kind != torch.utils.data._DatasetKind.Map:
            return "an IterableDataset keeps its place in the data"
        if is_overridden(type(loader), torch):
            return "its class has methods of its own"
        if loader.worker_init_fn is not None:
            return "its worker_init_fn is meant to be called at every start"
        if loader.multiprocessing_context is not None:
            return "the program sets its multiprocessing context"
        if (multiprocessing.get_start_method(allow_none=True) or _usual_start()) != "fork":
            return "its workers are not forked"
        if loader.pin_memory and getattr(torch, "accelerator", torch.cuda).is_available():
            return "its batches are pinned for an accelerator"
        if getattr(loader, "worker_method", "multiprocessing") != "multiprocessing":
            return "its workers are threads"
        return _code_doubt(loader)

    def _hand_on(self, loader: Any) -> Any:
        """An iterator with the workers of the last one; None if new ones must be started."""
        crew = self._crews.pop(loader, None)
        if crew is None:
            return None
        if crew.unused is not None:
            crew.unused.detach()
        kind = self.torch.utils.data.dataloader._MultiProcessingDataLoaderIter
        state = self._carefully(loader, self._state_of)
        if state != crew.state or not crew.is_there() or len(crew.attributes["_workers"]) != loader.num_workers:
            crew.end(kind)
            return None
        generator = self.torch.default_generator if loader.generator is None else loader.generator
        before = generator.get_state()
        try:
            iterator = take_over(self.torch, crew, loader)
            if iterator is None:
                raise Declined("fetching a batch changes a worker's copy of the dataset")
        except Exception:
            generator.set_state(before)
            crew.end(kind)
            raise
        self._kept += 1
        self._working[iterator] = weakref.ref(loader), crew.state
        return iterator

    def _shutdown_workers(self, original: Any) -> Any:
        @functools.wraps(original)
        def _shutdown_workers(iterator: Any) -> Any:
            try:
                if iterator.__dict__.get(OWNER, os.getpid()) != os.getpid():
                    iterator._shutdown = True
                    return None
                found = self._working.pop(iterator, None)
                loader = found[0]() if found is not None else None
                if self._ended or loader is None or iterator._shutdown or loader in self._crews:
                    return original(iterator)
                self.torch.utils.data.dataloader._utils.signal_handling._remove_worker_pids(id(iterator))
                iterator._worker_pids_set = False
                assert found is not None
                crew = self._crews[loader] = Crew(iterator, found[1])
                crew.unused = weakref.finalize(loader, crew.end, type(iterator))
                crew.unused.atexit = False
                iterator._shutdown = True
                return None
            except BaseException as error:
                without_our_frames(error)
                raise

        return _shutdown_workers

    def _end_all(self) -> None:
        """End all workers that only we know of."""
        self._ended = True
        kind = self.torch.utils.data.dataloader._MultiProcessingDataLoaderIter
        for fetching in list(self._fetching.values()):
            fetching.close()
        while self._crews:
            _, crew = self._crews.popitem()
            if crew.unused is not None:
                crew.unused.detach()
            crew.end(kind)


def most_workers() -> int:
    """One for each processor that this process, as one of several ranks, may use."""
    cores = usable_threads(len(os.sched_getaffinity(0)), quota())
    ranks = os.environ.get("LOCAL_WORLD_SIZE", "")
    return max(1, cores // (int(ranks) if ranks.isdigit() and int(ranks) else 1))


def is_overridden(kind: type, torch: Any) -> bool:
    """Whether a subclass of DataLoader decides itself which iterator there is."""
    base = torch.utils.data.DataLoader
    return any(getattr(kind, name) is not getattr(base, name) for name in ("_get_iterator", "_index_sampler"))


def _sampler_doubt(torch: Any, loader: Any) -> str:
    data = torch.utils.data
    batches = loader.batch_sampler
    sampler = loader.sampler if batches is None else getattr(batches, "sampler", None)
    if batches is not None and type(batches) is not data.BatchSampler:
        return f"its batch sampler ({type(batches).__name__}) may depend on what happens between two batches"
    distributed = getattr(sys.modules.get("torch.utils.data.distributed"), "DistributedSampler", None)
    once = (data.SequentialSampler, data.SubsetRandomSampler, data.WeightedRandomSampler, distributed)
    if type(sampler) is data.RandomSampler:
        own = getattr(sampler, "generator", None) is not None
        return "its sampler draws from a generator of the program during the whole epoch" if own else ""
    if type(sampler) not in once:
        return f"its sampler ({type(sampler).__name__}) may depend on what happens between two batches"
    return ""


def _code_doubt(loader: Any) -> str:
    """What in the code of the dataset and the collate function would have another effect in another process."""
    for owner, name in (
        (loader.dataset, "__getitem__"),
        (loader.dataset, "__getitems__"),
        (loader.collate_fn, "__call__"),
    ):
        function = owner if isinstance(owner, types.FunctionType) else getattr(type(owner), name, None)
        function = getattr(function, "__func__", function)
        if (
            not isinstance(function, types.FunctionType)
            or is_trusted(function)
            or is_installed(function.__code__.co_filename)
        ):
            continue
        for code in codes_of(function, owner):
            used = OUTPUT.intersection(code.co_names)
            if used:
                return f"its code uses {min(used)} ({os.path.basename(code.co_filename)}:{code.co_firstlineno})"
    return ""


def _is_torchs_handler() -> bool:
    handling = sys.modules.get("torch.utils.data._utils.signal_handling")
    return bool(getattr(handling, "_SIGCHLD_handler_set", False))


def _usual_start() -> str:
    return "fork" if sys.version_info < (3, 14) else "forkserver"


def _batches(count: int) -> str:
    return f"{count:,} batch{'' if count == 1 else 'es'}"
