"""How fragmented the phases of a step are: outermost operator calls that are short, and gaps between them.

The paper (section 2.2) takes a highly fragmented trace as a candidate for a merged, custom operator.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from profilednn_tui.protocol.vocabulary import PHASES
from profilednn_tui.session.trace import Integers, PhaseSpans, Trace
from profilednn_tui.session.view import Fragmentation

SHORT_NS = 10_000
"""Calls and gaps below this are short."""


def fragmentation(traces: Sequence[Trace]) -> tuple[Fragmentation, ...]:
    """The phases of these windows, in the order of `PHASES`; incomplete windows do not count."""
    found: dict[str, list[Fragmentation]] = {}
    for trace in traces:
        if trace.complete:
            for one in _of_window(trace):
                found.setdefault(one.phase, []).append(one)
    return tuple(_median(found[phase]) for phase in PHASES if phase in found)


def _of_window(trace: Trace) -> tuple[Fragmentation, ...]:
    import numpy as np

    calls = trace.calls
    outermost = np.flatnonzero(trace.outermost_operators())
    starts, ends = calls.start_ns[outermost], calls.end_ns[outermost]
    span_ends = trace.phases.end_ns
    if not len(span_ends):
        return ()
    span_begins, span_ends, span_phases = _joined(trace.phases)
    # A call belongs to the phase of its middle, as in the tables.
    middles = (starts + ends) // 2
    span_of = np.searchsorted(span_ends, middles)
    inside = span_of < len(span_ends)
    phase_of = np.where(inside, span_phases[np.minimum(span_of, len(span_ends) - 1)] if len(span_ends) else -1, -1)
    gap_begins, gap_ends, gap_phases = _gaps(starts, ends, span_begins, span_ends, span_phases)
    gap_ns = gap_ends - gap_begins
    found = []
    for number, name in enumerate(PHASES):
        duration_ns = int((span_ends - span_begins)[span_phases == number].sum())
        if not duration_ns:
            continue
        own = (ends - starts)[phase_of == number]
        gaps = gap_ns[gap_phases == number]
        found.append(
            Fragmentation(
                name,
                duration_ns,
                len(own),
                int((own < SHORT_NS).sum()),
                float(own[own < SHORT_NS].sum()) / duration_ns,
                len(gaps),
                int((gaps < SHORT_NS).sum()),
                float(gaps.sum()) / duration_ns,
            )
        )
    return tuple(found)


def _joined(spans: PhaseSpans) -> tuple[Integers, Integers, Integers]:
    """Begins, ends and phases, with neighbours of one phase as one span. The first span only tells where they begin."""
    import numpy as np

    begins, ends, phases = spans.end_ns[:-1], spans.end_ns[1:], spans.phase[1:]
    first = np.flatnonzero(np.append(True, phases[1:] != phases[:-1])) if len(phases) else phases
    last = np.append(first[1:], len(phases)) - 1 if len(phases) else phases
    return begins[first], ends[last], phases[first]


def _gaps(
    starts: Integers, ends: Integers, span_begins: Integers, span_ends: Integers, phases: Integers
) -> tuple[Integers, Integers, Integers]:
    """The times between calls, cut where a phase ends: begins, ends and phases."""
    import numpy as np

    if not len(span_ends):
        return span_ends, span_ends, span_ends
    free_begins = np.concatenate([span_begins[:1], np.maximum.accumulate(ends) if len(ends) else ends])
    free_ends = np.concatenate([starts, span_ends[-1:]])
    # Both lists of moments at which something changes, so that each piece lies in one gap and one phase.
    cuts = np.unique(np.concatenate([free_begins, free_ends, span_begins, span_ends]))
    begins, cut_ends = cuts[:-1], cuts[1:]
    gap = np.searchsorted(free_begins, begins, side="right") - 1
    span = np.searchsorted(span_ends, begins, side="right")
    valid = (gap >= 0) & (span < len(span_ends))
    gap, span = np.maximum(gap, 0), np.minimum(span, len(span_ends) - 1)
    valid &= (begins < free_ends[gap]) & (begins >= span_begins[span]) & (phases[span] >= 0)
    return begins[valid], cut_ends[valid], phases[span[valid]]


def _median(several: Sequence[Fragmentation]) -> Fragmentation:
    return Fragmentation(
        several[0].phase,
        *(
            median(getattr(one, name) for one in several)
            for name in (
                "duration_ns", "calls", "short_calls", "short_calls_share", "gaps", "short_gaps", "gaps_share",
            )
        ),
    )  # fmt: skip
