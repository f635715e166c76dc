"""Ranks that get more data in each step than others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median

from profilednn_tui import units
from profilednn_tui.advise.account import NOTHING, Covered
from profilednn_tui.advise.findings import SMALLEST_CEILING, Evidence, Finding, Remedy
from profilednn_tui.advise.rule import Signals
from profilednn_tui.advise.rules._ranks import no_ranks, of_late, ranks, trained_ranks
from profilednn_tui.session.view import Inputs

LEAST_EXCESS = 1.05
"""How many times the smallest batch the largest one must be."""
LEAST_LARGER = 1.1
"""The same for the inputs of batches of equal size, which may differ by chance."""
FEWEST_LOOKS, MANY_LOOKS = 2, 8
"""At the inputs of the same steps on all ranks: for batches, and for the size of inputs, of which the same rank then
has the most in every look by chance in less than 1 % of cases."""


@dataclass(frozen=True, slots=True)
class _Shares:
    """What the ranks get per step: medians over the steps in which all were looked at."""

    looks: int
    most: int
    """The rank that gets most."""
    least: int
    by_rank: Mapping[int, float]
    always: bool
    """Whether the same rank got most in every look."""

    @property
    def excess(self) -> float:
        return self.by_rank[self.most] / self.by_rank[self.least]


class UnequalBatches:
    """Compares the size of the inputs in steps in which the agents of all ranks have looked at them."""

    name = "unequal-batches"

    def missing(self, signals: Signals) -> str:
        reason = no_ranks(signals)
        if reason:
            return reason
        return "" if _shares(signals, _elements) is not None else "the inputs of the ranks were looked at too rarely"

    def look(self, signals: Signals) -> Finding | None:
        batches, elements = _shares(signals, _batch), _shares(signals, _elements)
        if batches is not None and batches.excess >= LEAST_EXCESS:
            most, least = batches.most, batches.least
            sizes = [f"{units.count(batches.by_rank[rank])} on rank {rank}" for rank in (most, least)]
            return self._finding(
                signals,
                batches,
                f"The ranks have batches of unequal size: {' and '.join(sizes)}",
                "first dimension of the inputs",
                "Give all ranks the same batch size, as with a DistributedSampler and drop_last=True. An average over "
                "ranks counts each rank's gradient alike, however few samples it is of.",
            )
        if elements is None or not elements.always or elements.looks < MANY_LOOKS or elements.excess < LEAST_LARGER:
            return None
        return self._finding(
            signals,
            elements,
            f"Rank {elements.most} always has the largest inputs, {units.ratio(elements.excess)} those of rank "
            f"{elements.least}, in batches of the same size",
            "elements of the inputs",
            "Deal samples out by size, so that all ranks have about as much in each step: buckets of similar length, "
            "or a limit on tokens instead of samples.",
        )

    def _finding(self, signals: Signals, shares: _Shares, sentence: str, what: str, change: str) -> Finding:
        some = sorted({shares.most, shares.least})
        rows = [row for row in ranks(signals).rows if row.rank in some]
        return Finding(
            self.name,
            sentence,
            (
                *(Evidence(f"{what} of rank {rank}", shares.by_rank[rank], "per step") for rank in some),
                *(Evidence(f"own work of rank {row.rank}", row.own_ns / 1e6, "ms per step") for row in rows),
                Evidence("steps in which all ranks were looked at", shares.looks, "steps"),
            ),
            Remedy(change=change),
            _covered(signals, shares),
        )


def _covered(signals: Signals, shares: _Shares) -> Covered:
    """What the rank with the most works longer than the mean, as far as its excess explains that; nothing below what is
    worth telling, for unequal batches are a fault by themselves."""
    rows = {row.rank: row for row in ranks(signals).rows}
    late = rows.get(shares.most)
    if late is None:
        return NOTHING
    mean_ns = sum(row.own_ns for row in rows.values()) / len(rows)
    mean_share = sum(shares.by_rank.values()) / len(shares.by_rank) / shares.by_rank[shares.most]
    longer_ns = min(late.own_ns - mean_ns, late.own_ns * (1 - mean_share))
    share = longer_ns / late.step_ns
    return of_late(signals, shares.most, share) if share >= SMALLEST_CEILING else NOTHING


def _batch(inputs: Inputs) -> int:
    return inputs.batch


def _elements(inputs: Inputs) -> int:
    return inputs.elements


def _shares(signals: Signals, size: Callable[[Inputs], int]) -> _Shares | None:
    """None if it is not known for at least `FEWEST_LOOKS` steps."""
    looks = {
        entry.rank or 0: {one.step: size(one) for one in entry.inputs if size(one) > 0}
        for entry in trained_ranks(signals)
    }
    steps = set.intersection(*(set(sizes) for sizes in looks.values()))
    if len(steps) < FEWEST_LOOKS:
        return None
    by_rank = {rank: median(sizes[step] for step in steps) for rank, sizes in looks.items()}
    most, least = max(by_rank, key=lambda rank: by_rank[rank]), min(by_rank, key=lambda rank: by_rank[rank])
    others = [sizes for rank, sizes in looks.items() if rank != most]
    always = all(looks[most][step] > max(sizes[step] for sizes in others) for step in steps)
    return _Shares(len(steps), most, least, by_rank, always)
