"""Each rank's steps: its own work, waiting for late ranks, and transfers, which add up to the step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache, reduce
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from profilednn_tui.protocol.vocabulary import COMMUNICATION, PHASES
from profilednn_tui.ranks.clocks import ClockOffset, clock_offsets
from profilednn_tui.ranks.same_steps import with_same_steps
from profilednn_tui.ranks.straggler import FEWEST_STEPS, NEWEST_STEPS, Straggler, find_straggler
from profilednn_tui.ranks.waits import StepWaits, step_waits
from profilednn_tui.session.view import RankRecord

Kept = npt.NDArray[np.bool_]
"""Which steps of a rank count."""
LEAST_KNOWN = 0.8
"""Of the waiting: with less, no rank is called late."""
FIRST_STEPS = 3
"""Left out: lazy initialization, and DDP builds its buckets anew after the first step."""


@dataclass(frozen=True, slots=True)
class RankAccount:
    """Means per step over the newest plain steps of one rank, in nanoseconds."""

    key: int
    """As in `ProcessEntry`."""
    rank: int
    host: str
    pid: int
    count: int
    """Of all its steps."""
    intra_op_threads: int
    ended: bool
    median_ns: float
    step_ns: float
    own_ns: float
    late_ns: float
    """Waiting for ranks that came later."""
    transfer_ns: float
    """Waiting after the last one has come."""
    caused_ns: float
    """How long each other rank waits for this one, on average."""
    cpu_ns: float | None
    """What the training thread uses of the processor."""
    delay_ns: float | None
    """For how long it is ready to run and has no core."""
    phases_ns: Mapping[str, float]
    """Of its own work, by phase."""
    caused_shares: tuple[float, ...]
    """Of the newest steps, oldest first: how long each other rank waited for this one, as a share of the step."""


@dataclass(frozen=True, slots=True)
class Ranks:
    """All ranks of a training."""

    rows: tuple[RankAccount, ...] = ()
    straggler: Straggler | None = None
    known: float = 1.0
    """Share of the waiting for which it is known who came last."""
    clocks: tuple[ClockOffset, ...] = ()
    """Of other machines than that of the first rank."""


NO_RANKS = Ranks()


@lru_cache(maxsize=4)
def ranks_of(records: tuple[RankRecord, ...]) -> Ranks:
    """The account of all ranks; empty with fewer than two."""
    if len(records) < 2:
        return NO_RANKS
    records = with_same_steps(records)
    clocks = clock_offsets(records)
    waits = step_waits(records, {clock.clock: clock.ns for clock in clocks})
    plain = [_plain(record) for record in records]
    common = reduce(np.intersect1d, [record.numbers[kept] for record, kept in zip(records, plain, strict=True)])
    if len(common) >= FEWEST_STEPS:  # then what one waits is what another causes
        plain = [kept & np.isin(record.numbers, common) for record, kept in zip(records, plain, strict=True)]
    rows = tuple(
        _account(record, times, kept) for record, times, kept in zip(records, waits, plain, strict=True) if kept.any()
    )
    known = min(_known(one, kept) for one, kept in zip(waits, plain, strict=True))
    late = find_straggler(records, waits, common[-NEWEST_STEPS:]) if known >= LEAST_KNOWN else None
    return Ranks(rows, late, known, clocks)


def _known(waits: StepWaits, kept: Kept) -> float:
    """Share of the waiting for which it is known who came last; 1 without any waiting."""
    waited = float((waits.late + waits.transfer)[kept].sum())
    return float(waits.known[kept].sum()) / waited if waited else 1.0


def _plain(record: RankRecord) -> Kept:
    """Which of its steps count."""
    plain: Kept = (record.numbers > FIRST_STEPS) & (record.flags == 0)
    return plain


def _account(record: RankRecord, waits: StepWaits, kept: Kept) -> RankAccount:
    phases = record.phases[kept].mean(axis=0)
    step, late, transfer = record.durations[kept].mean(), waits.late[kept].mean(), waits.transfer[kept].mean()
    times = record.times[kept]
    told = times[times[:, 0] >= 0]
    return RankAccount(
        key=record.key,
        rank=record.rank,
        host=record.groups[0].host if record.groups else "",
        pid=record.pid,
        count=record.count,
        intra_op_threads=record.intra_op_threads,
        ended=record.ended,
        median_ns=float(np.median(record.durations[kept])),
        step_ns=float(step),
        own_ns=float(step - late - transfer),
        late_ns=float(late),
        transfer_ns=float(transfer),
        caused_ns=float(waits.caused[kept].mean()),
        cpu_ns=float(told[:, 0].mean()) if len(told) else None,
        delay_ns=float(told[:, 1].mean()) if len(told) else None,
        phases_ns=MappingProxyType(
            {name: float(mean) for name, mean in zip(PHASES, phases, strict=True) if name != COMMUNICATION}
        ),
        caused_shares=tuple((waits.caused / np.maximum(record.durations, 1)).tolist()),
    )
