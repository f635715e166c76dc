"""What a search tries: what can be switched between steps, what needs a process of its own, and what it leaves out."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from profilednn_tui.advise.advisor import advise
from profilednn_tui.advise.effects import without_effect
from profilednn_tui.compare.factorial import Switch
from profilednn_tui.compare.tuning import Eliminated
from profilednn_tui.errors import ProfilerError
from profilednn_tui.experiment.variants import Variant
from profilednn_tui.launch.optimizations import OptimizationDescription
from profilednn_tui.session.view import SessionView

THREADS = "threads="
"""What the name of a number of threads begins with."""
OWN_THREADS = "OMP_NUM_THREADS"
ONLY_IF_FOUND = {
    "loader": ("data-wait", "loader-workers"),
    "flush_denormals": ("denormals",),
}
"""Optimizations against one cause, which is looked for: the rules that find it."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """What to try in a search."""

    switches: tuple[Switch, ...]
    """Between steps."""
    variants: tuple[Variant, ...]
    """In processes of their own."""
    left_out: tuple[Eliminated, ...]


def candidates_of(
    offers: Sequence[OptimizationDescription],
    view: SessionView,
    on: Collection[str],
    over: Collection[str],
    without: Collection[str],
) -> Candidates:
    """What to try for a training; `view` is a plain run of it, `on` the optimizations that it has anyway.

    With `over`, only these are tried; never those in `without`. Raises a `ProfilerError` for a name that is none.
    """
    threads = thread_switches(view)
    _check(over, without, [*(one.name for one in offers), *(one.name for one in threads)])
    switches: list[Switch] = []
    variants: list[Variant] = []
    left_out: list[Eliminated] = []
    nothing_to_do = dict(_nothing_to_do(view))
    conflicting = {name for one in offers if one.name in on for name in one.conflicts}
    for one in offers:
        if one.name in on or one.name in without or (over and one.name not in over):
            continue
        reason = nothing_to_do.get(one.name, "") if one.available else f"{one.reason}; fix: {one.fix}"
        if one.name in conflicting or any(name in on for name in one.conflicts):
            reason = "it cannot be combined with what is on"
        if reason and one.name not in over:
            left_out.append(Eliminated(one.name, reason))
        elif not one.available:
            raise ProfilerError(f"{one.name} is not available for this training: {one.reason}. Fix: {one.fix}.")
        elif one.live:
            switches.append(Switch(one.name, optimization=one.name))
        else:
            variants.append(Variant(one.name, (one.name,)))
    switches += [one for one in threads if one.name not in without and (not over or one.name in over)]
    return Candidates(tuple(switches), tuple(variants), tuple(left_out))


def thread_switches(view: SessionView) -> tuple[Switch, ...]:
    """Powers of two up to the cores that the training may use, and those themselves, but the number that it has."""
    cores = int(view.machine.usable_physical_cores or view.machine.affinity or 1)
    if view.machine.quota is not None:
        cores = max(1, min(cores, round(view.machine.quota)))
    counts = {1 << power for power in range(cores.bit_length())} | {cores}
    wanted = sorted(count for count in counts if count <= cores and count != view.target.intra_op_threads)
    return tuple(Switch(f"{THREADS}{count}", threads=count) for count in wanted)


def _nothing_to_do(view: SessionView) -> Iterator[tuple[str, str]]:
    """Optimizations that can have no effect, with the reason, as far as the run shows that."""
    yield from without_effect(view).items()
    advice = advise(view)
    found = {one.rule for one in advice.findings}
    unknown = {one.rule for one in advice.abstained}
    for name, rules in ONLY_IF_FOUND.items():
        if not found.intersection(rules) and not unknown.issuperset(rules):
            yield name, f"a plain run shows nothing that it is against ({', '.join(rules)})"


def _check(over: Collection[str], without: Collection[str], known: Sequence[str]) -> None:
    unknown = [name for name in (*over, *without) if name not in known]
    if unknown:
        raise ProfilerError(f"There is no {', '.join(unknown)} to search over. There are: {', '.join(known)}.")
