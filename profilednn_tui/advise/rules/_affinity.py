"""Ranks that are bound to the same logical CPUs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from profilednn_tui.advise.rule import Signals
from profilednn_tui.advise.rules._ranks import trained_ranks
from profilednn_tui.session.view import ProcessEntry

IDLE_PERCENT = 50.0
"""Mean use below which a CPU could take a thread."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """Ranks with more threads than CPUs to run on, though the command was given others."""

    ranks: tuple[int, ...]
    threads: int
    cpus: frozenset[int]
    free: int
    """CPUs that no rank may use and that are mostly idle."""


def crowd(signals: Signals) -> Crowd | None:
    """The most crowded ranks; None if none are, or if their CPUs are not known."""
    entries = trained_ranks(signals)
    if len(entries) < 2 or not signals.bound_cpus:
        return None
    busy = signals.view.cores.mean_percent
    left = set(signals.view.machine.command_cpus) - signals.bound_cpus
    free = sum(cpu >= len(busy) or busy[cpu] < IDLE_PERCENT for cpu in left)
    found = [_crowd(group, free) for group in _overlapping(entries) if len(group) > 1]
    crowded = [one for one in found if one.threads > len(one.cpus)]
    return max(crowded, key=lambda one: one.threads / len(one.cpus), default=None) if free else None


def _crowd(entries: Iterable[ProcessEntry], free: int) -> Crowd:
    entries = list(entries)
    return Crowd(
        ranks=tuple(entry.rank for entry in entries if entry.rank is not None),
        threads=sum(entry.intra_op_threads for entry in entries),
        cpus=frozenset().union(*(entry.cpus for entry in entries)),
        free=free,
    )


def _overlapping(entries: Iterable[ProcessEntry]) -> list[list[ProcessEntry]]:
    """Ranks that share a CPU, directly or through others, together."""
    groups: list[tuple[set[int], list[ProcessEntry]]] = []
    for entry in entries:
        cpus, members = set(entry.cpus), [entry]
        for group in [group for group in groups if group[0] & cpus]:
            groups.remove(group)
            cpus, members = cpus | group[0], [*group[1], *members]
        groups.append((cpus, members))
    return [members for _, members in groups]
