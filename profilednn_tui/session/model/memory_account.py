"""Accounts of a process's memory -> who holds it, and how that grows; and the newest step's allocations."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence

from profilednn_tui.protocol.events import AllocationsEvent, MemoryAccountEvent
from profilednn_tui.protocol.vocabulary import PEAK_KINDS, PHASES
from profilednn_tui.session import memory_owners as owners
from profilednn_tui.session.view import (
    MemoryAccount,
    MemoryOwner,
    PeakOwner,
    PhaseAllocations,
    StepAllocations,
)

KEPT_ACCOUNTS = 64
FEWEST_STEPS = 8
"""Between two accounts, before anything is said to grow."""
DUE_SHARES = frozenset({owners.FILES, owners.SHARED})
"""Other programs that come and go change the due share of what they have in common with this one."""
OUTSIDE = "other"
"""Where the phase is unknown."""


class MemoryAccountSeries:
    """The accounts of a process; bounded: of many, every second one is dropped."""

    def __init__(self) -> None:
        self._accounts: deque[tuple[MemoryAccountEvent, int]] = deque()
        """With what the workers had then."""

    def add(self, event: MemoryAccountEvent, workers_pss_bytes: int = 0) -> None:
        """Add an account, with the due share of the process's children."""
        self._accounts.append((event, workers_pss_bytes))
        if len(self._accounts) > KEPT_ACCOUNTS:
            kept = [one for place, one in enumerate(self._accounts) if place % 2 == 0 or one[0] is event]
            self._accounts = deque(kept)

    def view(self, workers_pss_bytes: int) -> MemoryAccount | None:
        """The newest account, with what the process's children have now; None without one."""
        if not self._accounts:
            return None
        (first, workers_before), (newest, workers_then) = self._accounts[0], self._accounts[-1]
        before, then = sizes(first, workers_before), sizes(newest, workers_then)
        now = sizes(newest, workers_pss_bytes)
        steps = newest.step - first.step
        total = newest.files_bytes + newest.shared_bytes + newest.elsewhere_bytes + _anonymous(newest)
        total += now[owners.WORKERS]
        growing = then.keys() - DUE_SHARES if steps >= FEWEST_STEPS else ()
        growth = {name: (then[name] - before.get(name, 0)) / steps for name in growing}
        if not workers_before:
            growth.pop(owners.WORKERS, None)  # they came later, or were not looked at yet
        return MemoryAccount(
            step=newest.step,
            unix_ns=newest.unix_ns,
            total_bytes=total,
            owners=tuple(
                MemoryOwner(name, size, growth.get(name))
                for name, size in sorted(now.items(), key=lambda one: -one[1])
                if size
            ),
            unexplained_bytes=None if newest.in_use_bytes is None else total - sum(now.values()),
            allocator=newest.allocator,
            tells_saved=newest.saved_bytes is not None,
            saved_complete=newest.saved_complete,
            steps=tuple(one.step for one, _ in self._accounts),
            cost_ns=newest.cost_ns,
        )


def sizes(event: MemoryAccountEvent, workers_pss_bytes: int) -> dict[str, int]:
    """Bytes by owner. Pages that children share with the process count for it, and the rest of theirs for them.

    What malloc has given out and the program has not touched is in no memory: of heaps and of large blocks, no more
    counts than there is.
    """
    tensors = {
        owners.PARAMETERS: event.parameters_bytes,
        owners.GRADIENTS: event.gradients_bytes,
        owners.OPTIMIZER_STATE: event.optimizer_state_bytes,
        owners.SAVED: event.saved_bytes or 0,
        owners.TENSORS: event.other_tensors_bytes,
    }
    shared_out = _anonymous(event) - event.anonymous_pss_bytes
    found = {
        **tensors,
        owners.FILES: event.files_bytes,
        owners.SHARED: event.shared_bytes,
        owners.CODE: event.code_bytes,
        owners.STACK: event.stack_bytes,
        owners.INTERPRETER: event.interpreter_bytes,
        owners.AGENT: event.agent_bytes,
        owners.WORKERS: max(0, workers_pss_bytes - shared_out),
    }
    known = sum(tensors.values()) - event.elsewhere_bytes + event.agent_bytes
    if event.in_use_bytes is None or event.in_heaps_bytes is None:
        rest = event.heaps_bytes + event.others_bytes - event.interpreter_bytes - known
        found[owners.HEAP_AND_SLACK] = max(0, rest)
        return found
    room = max(0, event.heaps_bytes + event.others_bytes - event.interpreter_bytes)
    kept = event.heaps_bytes if event.allocator_bytes is None else min(event.allocator_bytes, room)
    in_heaps = min(kept, event.in_heaps_bytes)
    large = min(event.in_use_bytes - event.in_heaps_bytes, max(0, event.others_bytes - event.interpreter_bytes))
    found[owners.HEAP] = max(0, in_heaps + large - known)
    found[owners.SLACK] = kept - in_heaps
    return found


def _anonymous(event: MemoryAccountEvent) -> int:
    return event.code_bytes + event.stack_bytes + event.heaps_bytes + event.others_bytes


def workers_pss(rows: Iterable[tuple[int, int, int]], pid: int) -> int:
    """The share of a process's descendants, given the pid, the parent's pid and the share of each."""
    shares: Mapping[int, tuple[int, int]] = {one: (parent, size) for one, parent, size in rows}
    total = 0
    for one, (parent, size) in shares.items():
        above, seen = parent, {one}
        while above in shares and above not in seen:
            seen.add(above)
            above = shares[above][0]
        total += size if above == pid else 0
    return total


def allocations_of(event: AllocationsEvent) -> StepAllocations:
    """The tables of an event; a `ValueError` for one that refers to what is not there."""
    return StepAllocations(
        step=event.step,
        unix_ns=event.unix_ns,
        duration_ns=event.duration_ns,
        events=event.events,
        peak_ns=event.peak_ns,
        peak_bytes=event.peak_bytes,
        end_bytes=event.end_bytes,
        levels=tuple((time_ns, level) for time_ns, level in event.levels),
        phases=tuple(
            PhaseAllocations(_phase(phase), highest, allocated, number)
            for phase, highest, allocated, number in event.phases
        ),
        at_peak=tuple((_at(PEAK_KINDS, kind), size) for kind, size in event.peak),
        freed_bytes=event.freed_bytes,
        kept=tuple((_phase(phase), size) for phase, size in event.kept),
        owners=tuple(
            PeakOwner(_at(event.strings, operator) if operator >= 0 else "", _at(PEAK_KINDS, kind), size, number)
            for operator, kind, size, number in event.owners
        ),
    )


def _phase(place: int) -> str:
    return PHASES[place] if 0 <= place < len(PHASES) else OUTSIDE


def _at(texts: Sequence[str], place: int) -> str:
    if not 0 <= place < len(texts):
        raise ValueError(f"text {place} of {len(texts)}")
    return texts[place]
