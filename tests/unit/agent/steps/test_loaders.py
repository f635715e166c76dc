"""Facts about DataLoaders: what is counted, and when it is reported."""

from __future__ import annotations

from typing import Any

import torch
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from profilednn_tui.agent.steps.loaders import MOST, LoaderFacts
from profilednn_tui.protocol.events import COLUMNS

DATA = TensorDataset(torch.arange(8.0))


class Stream(IterableDataset[int]):  # type: ignore[misc]
    def __iter__(self) -> Any:
        return iter(range(3))


def facts_of(found: LoaderFacts) -> list[dict[str, Any]]:
    """The reported rows, by column."""
    return [
        dict(zip(COLUMNS["loaders.rows"], row, strict=True)) for event in found.news(final=True) for row in event.rows
    ]


def start(found: LoaderFacts, loader: Any, took_ns: int = 5) -> Any:
    """As the hook does."""
    iterator = iter(loader)
    found.started(loader, iterator, took_ns)
    return iterator


def epoch(found: LoaderFacts, loader: Any, batches: int = 4) -> None:
    """One iteration, in which each batch takes ten times as long as the one before."""
    iterator = start(found, loader)
    for number in range(batches):
        found.delivered(iterator, 10**number)
    found.exhausted(iterator, 7)


def test_the_parts_of_an_iteration_are_told_apart() -> None:
    found, loader = LoaderFacts(torch), DataLoader(DATA, batch_size=2)
    for _ in range(3):
        epoch(found, loader)
    (row,) = facts_of(found)
    times = {name: row[f"{name}_ns"] for name in ("start", "first", "end", "wait")}
    assert times == {"start": 15, "first": 3, "end": 21, "wait": 3330}
    assert (row["iterators"], row["batches"]) == (3, 12)


def test_how_a_loader_is_set_up() -> None:
    found = LoaderFacts(torch)
    epoch(found, DataLoader(DATA, batch_size=2))
    loader = DataLoader(DATA, batch_size=4, num_workers=1, prefetch_factor=5, persistent_workers=True)
    found.started(loader, found, 1)  # any object stands for the iterator: no worker need be started
    epoch(found, DataLoader(Stream(), batch_size=None))
    plain, workers, stream = facts_of(found)
    keys = ("dataset", "iterable", "workers", "prefetch_factor", "persistent", "batch_size")
    assert [plain[key] for key in keys] == ["TensorDataset", 0, 0, -1, 0, 2]
    assert [workers[key] for key in keys] == ["TensorDataset", 0, 1, 5, 1, 4]
    assert [stream[key] for key in keys] == ["Stream", 1, 0, -1, 0, -1]
    assert plain["source_file"] == __file__


def test_the_first_batch_of_each_worker_belongs_to_the_start() -> None:
    found = LoaderFacts(torch)
    found.started(DataLoader(DATA, batch_size=2, num_workers=2), found, 1)
    for number in range(4):
        found.delivered(found, 10**number)
    (row,) = facts_of(found)
    assert (row["first_ns"], row["wait_ns"]) == (11, 1100)


def test_a_loader_made_anew_for_each_epoch_is_one() -> None:
    found = LoaderFacts(torch)
    for _ in range(3):
        epoch(found, DataLoader(DATA, batch_size=2))
    (row,) = facts_of(found)
    assert row["iterators"] == 3


def test_workers_that_are_kept_are_not_started_anew() -> None:
    """Seen with the optimization `loader`: advice went on to say that workers were started every 4 steps."""

    class Worker:
        def __init__(self, pid: int) -> None:
            self.pid = pid

    class Iterator:
        def __init__(self, *pids: int) -> None:
            self._workers = [Worker(pid) for pid in pids]

    found, loader = LoaderFacts(torch), DataLoader(DATA, batch_size=2, num_workers=2)
    for pids in ((4, 5), (4, 5), (6, 7)):
        found.started(loader, Iterator(*pids), 1)
    (row,) = facts_of(found)
    assert (row["iterators"], row["starts"]) == (3, 2)


def test_figures_are_reported_when_they_have_grown() -> None:
    found, loader = LoaderFacts(torch), DataLoader(DATA, batch_size=2)
    assert found.news(final=True) == [], "nothing to say"
    iterator = start(found, loader)
    told = 0
    for _ in range(10_000):
        found.delivered(iterator, 1)
        told += len(found.news(final=False))
    assert told < 60
    (event,) = found.news(final=True)
    assert event.rows[0][COLUMNS["loaders.rows"].index("batches")] == 10_000
    assert found.news(final=True) == []


def test_what_is_kept_is_bounded() -> None:
    found = LoaderFacts(torch)
    for size in range(1, 3 * MOST):
        epoch(found, DataLoader(DATA, batch_size=size))
    assert len(facts_of(found)) == MOST


def test_batches_of_an_iterator_that_was_not_seen_to_start_do_not_count() -> None:
    found = LoaderFacts(torch)
    iterator = iter(DataLoader(DATA))
    found.delivered(iterator, 1)
    found.exhausted(iterator, 1)
    assert found.news(final=True) == []
