"""Which job the ranks in a session belong to, so that the sessions of several machines can be put together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from profilednn_tui import units
from profilednn_tui.errors import ProfilerError
from profilednn_tui.protocol.events import DistributedEvent, GroupEvent, HelloEvent
from profilednn_tui.session.storage.reader import RecordingReader
from profilednn_tui.session.storage.store import Store

READ_BYTES = 4_000_000
"""Of each recording: a process joins its group before it trains."""
TOGETHER_S = 120.0
"""Ranks of a job join their group within this time of each other, by clocks that are about right."""
_CHUNKS = READ_BYTES // (256 * 1024)


@dataclass(frozen=True, slots=True)
class Job:
    """What a session says about its job."""

    names: frozenset[str]
    """Names of the job: its run id, the address of its store, and so on."""
    ranks: frozenset[int]
    joined_unix_ns: tuple[int, ...]
    """When its processes joined groups."""


def check_parts(stores: Sequence[Store], job: str = "") -> None:
    """Raise a `ProfilerError` unless the stores hold different ranks of the same job; `job` names it in any case."""
    found = [(store, job_of(store)) for store in stores]
    for (store, one), (other_store, other) in combinations(found, 2):
        names = f"{store.location.name} and {other_store.location.name}"
        common = sorted(one.ranks & other.ranks)
        if common:
            raise ProfilerError(
                f"{names} both have rank {common[0]}, so they are not parts of one job. "
                "`compare` puts sessions of different jobs side by side."
            )
        if job:
            continue
        if not (one.names and other.names):
            silent = store if not one.names else other_store
            raise ProfilerError(
                f"{silent.location.name} does not say which job it is of. If {names} are of one, name it: --job NAME."
            )
        if not one.names & other.names or not _together(one, other):
            raise ProfilerError(
                f"{names} are of different jobs ({_words(one)}; {_words(other)}). "
                "If they are of one nevertheless, name it: --job NAME."
            )


def job_of(store: Store) -> Job:
    """What the beginnings of a session's recordings say."""
    names: set[str] = set()
    ranks: set[int] = set()
    joined: list[int] = []
    for name in store.recordings():
        for event in _beginning(store, name):
            if isinstance(event, GroupEvent):
                names.update(event.job)
                joined.append(event.unix_ns)
            elif isinstance(event, HelloEvent | DistributedEvent) and event.rank is not None:
                ranks.add(event.rank)
    return Job(frozenset(names), frozenset(ranks), tuple(joined))


def _together(one: Job, other: Job) -> bool:
    return any(
        abs(joined - theirs) <= TOGETHER_S * 1e9 for joined in one.joined_unix_ns for theirs in other.joined_unix_ns
    )


def _words(job: Job) -> str:
    begun = units.moment(min(job.joined_unix_ns)) if job.joined_unix_ns else units.UNKNOWN
    return f"{', '.join(sorted(job.names))}, begun {begun}"


def _beginning(store: Store, name: str) -> Iterator[object]:
    try:
        reader = RecordingReader(name, store.open(name))
    except OSError:
        return
    try:
        for _ in range(_CHUNKS):
            chunk = reader.read()
            if not chunk:
                return
            yield from reader.events(chunk)
    except ProfilerError:  # it is said when the recording is read
        return
    finally:
        reader.close()
