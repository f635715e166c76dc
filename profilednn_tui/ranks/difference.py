"""The operators of a rank beside those of a typical other one; windows open on the same steps on all ranks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from profilednn_tui.ranks.waits import WAITING
from profilednn_tui.session.frames import call_site
from profilednn_tui.session.view import Frame, Operators, RankRecord


@dataclass(frozen=True, slots=True)
class OperatorDifference:
    """The calls of an operator in a phase; self times per step."""

    name: str
    phase: str
    own_ns: float
    typical_ns: float
    source: Frame | None
    """The line that calls it most on the rank."""

    @property
    def excess_ns(self) -> float:
        """How much longer it takes the rank; negative if it takes it less."""
        return self.own_ns - self.typical_ns


def typical_rank(records: Sequence[RankRecord], rank: int) -> RankRecord | None:
    """The one of the others whose own work is in the middle; None if there is no other."""
    others = [record for record in records if record.rank != rank]
    others.sort(key=lambda record: float(np.median(record.durations - record.phases[:, WAITING])))
    return others[len(others) // 2] if others else None


def operator_differences(records: Sequence[RankRecord], rank: int) -> tuple[OperatorDifference, ...]:
    """All operators of a rank and of a typical other one, largest difference first; empty without windows of both."""
    mine = next((record for record in records if record.rank == rank), None)
    typical = typical_rank(records, rank)
    if mine is None or typical is None:
        return ()
    own, other = mine.operators(), typical.operators()
    if not own.rows or not other.rows:
        return ()
    own_ns, typical_ns = _self_ns(own), _self_ns(other)
    sources = _sources(own) | {key: frame for key, frame in _sources(other).items() if key not in own_ns}
    rows = (
        OperatorDifference(name, phase, own_ns.get((name, phase), 0.0), typical_ns.get((name, phase), 0.0),
                           sources.get((name, phase)))
        for name, phase in {**own_ns, **typical_ns}
    )  # fmt: skip
    return tuple(sorted(rows, key=lambda row: (-abs(row.excess_ns), row.name, row.phase)))


def _self_ns(operators: Operators) -> dict[tuple[str, str], float]:
    found: dict[tuple[str, str], float] = {}
    for row in operators.rows:
        key = row.key.name, row.phase
        found[key] = found.get(key, 0.0) + row.self_ns_per_step
    return found


def _sources(operators: Operators) -> dict[tuple[str, str], Frame]:
    """The line of the heaviest call site of each; rows come heaviest first."""
    found: dict[tuple[str, str], Frame] = {}
    for row in operators.rows:
        for stack in row.stacks[:1]:
            frame = call_site(stack.frames or stack.forward_frames)
            if frame is not None:
                found.setdefault((row.key.name, row.phase), frame)
    return found
