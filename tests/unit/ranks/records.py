"""Ranks whose steps end in one collective: each works for a while, enters it, and goes on when all have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from profilednn_tui.protocol.vocabulary import COMMUNICATION, PHASES
from profilednn_tui.session.view import Group, Operators, RankRecord

MS = 1_000_000
START_NS = 10**15
TRANSFER_NS = 1 * MS
USUAL = {"data": 1.0, "forward": 6.0, "loss": 0.5, "backward": 10.0, "optimizer": 2.0, "other": 0.5}
"""Milliseconds of the phases of each step."""


def group(ranks: int, clock: str = "boot", name: str = "world", number: int = 0, counted: bool = True) -> Group:
    return Group(number, name, tuple(range(ranks)), "gloo", counted, f"node-{clock}", clock)


def trained(
    steps: int,
    own_ms: Sequence[Mapping[str, float]],
    *,
    noise: float = 0.0,
    seed: int = 0,
    disturbed: float = 0.0,
    delay_ms: Mapping[int, float] | None = None,
    sleeping: frozenset[int] = frozenset(),
    skew_ns: Mapping[int, int] | None = None,
) -> tuple[RankRecord, ...]:
    """A record for each rank; `own_ms` are the phases in which it differs from `USUAL`.

    In this part of the steps, `disturbed`, something else takes a rank's core for a while.
    """
    generator = np.random.default_rng(seed)
    count = len(own_ms)
    works = [{**USUAL, **extra} for extra in own_ms]
    phases = np.zeros((count, steps, len(PHASES)), dtype=np.int64)
    waits = np.zeros((count, steps, 5), dtype=np.int64)
    lost = np.zeros((count, steps), dtype=np.int64)
    now = np.full(count, START_NS, dtype=np.int64)
    for step in range(steps):
        for rank, work in enumerate(works):
            for name, each in work.items():
                factor = 1 + noise * float(generator.standard_normal())
                phases[rank, step, PHASES.index(name)] = max(0, round(each * MS * factor))
            if generator.random() < disturbed:
                lost[rank, step] = round(generator.uniform(2.0, 12.0) * MS)
                phases[rank, step, PHASES.index(str(generator.choice(list(USUAL))))] += lost[rank, step]
        entered = now + phases[:, step].sum(axis=1)
        ended = int(entered.max()) + TRANSFER_NS
        phases[:, step, PHASES.index(COMMUNICATION)] = ended - entered
        for rank in range(count):
            waits[rank, step] = (step + 1, 0, step + 1, entered[rank], ended)
        now = np.full(count, ended, dtype=np.int64)
    records = []
    for rank in range(count):
        skew = (skew_ns or {}).get(rank, 0)
        waits[rank, :, 3:] += skew
        durations = phases[rank].sum(axis=1)
        own = durations - phases[rank][:, PHASES.index(COMMUNICATION)]
        delay = round((delay_ms or {}).get(rank, 0.0) * MS + lost[rank].mean())
        usual = round(sum(USUAL.values()) * MS)
        cpu = (
            np.full(steps, usual)
            if rank in sleeping
            else own - lost[rank] - round((delay_ms or {}).get(rank, 0.0) * MS)
        )
        records.append(
            RankRecord(
                key=100 + rank,
                rank=rank,
                pid=100 + rank,
                intra_op_threads=1,
                ended=True,
                groups=(group(count, clock=str(rank) if skew_ns else "boot"),),
                count=steps,
                numbers=np.arange(1, steps + 1),
                durations=durations,
                phases=phases[rank],
                flags=np.zeros(steps, dtype=np.int64),
                ends=START_NS + np.cumsum(durations),
                times=np.stack([cpu, np.full(steps, delay), np.zeros(steps, dtype=np.int64)], axis=1),
                waits=waits[rank],
                operators=Operators,
            )
        )
    return tuple(records)
