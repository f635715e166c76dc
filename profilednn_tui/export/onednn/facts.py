"""Sentences about logs and their parts that several formats share."""

from __future__ import annotations

from profilednn_tui import units
from profilednn_tui.onednn.breakdown import Group, time_share, total
from profilednn_tui.onednn.compare import Delta, LogComparison
from profilednn_tui.onednn.records import PrimitiveLog

NS_PER_MS = 1e6


def log_facts(log: PrimitiveLog) -> list[str]:
    """What was read, the total time, and what stands out."""
    creation, cached = total(use.creation for use in log.uses), total(use.cached for use in log.uses)
    facts = [*log.versions[:1]]
    facts.append(
        f"{log.calls:,} executions of {len(log.uses):,} distinct primitives, {duration(log.time_ms)} in total"
        if log.uses
        else "No primitive in these lines: was the program run with ONEDNN_VERBOSE=1?"
    )
    if creation.count or cached.count:
        facts.append(
            f"{creation.count:,} primitives created in {duration(creation.total_ms)}, "
            f"{cached.count:,} taken from oneDNN's cache in {duration(cached.total_ms)}"
        )
    reorders = time_share(log, lambda primitive: primitive.is_reorder)
    reference = time_share(log, lambda primitive: primitive.is_reference)
    if reorders is not None:
        facts.append(f"{units.share(reorders)} of the time moves data between layouts or types (reorder)")
    if reference:
        facts.append(
            f"{units.share(reference)} is spent in reference implementations (ref), because oneDNN has no fast code"
        )
    if log.bad_lines:
        facts.append(f"{log.bad_lines:,} lines of oneDNN could not be parsed")
    return [*facts, *log.damage]


def comparison_facts(comparison: LogComparison) -> list[str]:
    """The answers to the paper's questions, and the gradients that only one side computes."""
    missing, extra = len(comparison.missing), len(comparison.extra)
    facts = [
        f"The log holds {units.ratio(comparison.work)} the work of the reference, by forward calls of equal problems",
        f"Time {duration(comparison.other.time_ms)} against {duration(comparison.reference.time_ms)}",
        "Every problem of the reference is present"
        if not missing
        else f"{missing:,} problems of the reference are missing",
    ]
    if extra:
        facts.append(f"{extra:,} problems are not in the reference")
    for deltas, text in (
        (comparison.more_backward, "backward calls that the reference does not make: are some of its layers frozen?"),
        (comparison.less_backward, "fewer backward calls than in the reference, which may have unfrozen layers"),
    ):
        if deltas:
            facts.append(f"{sum(abs(delta.calls_delta) for delta in deltas):,.0f} {text}")
    return facts


def note(group: Group) -> str:
    """Why a group stands out."""
    if group.reference:
        return "ref"
    return "reorder" if group.reorder and "reorder" not in group.label else ""


def state(delta: Delta) -> str:
    """Whether a group is on one side only."""
    return "extra" if delta.reference is None else "missing" if delta.other is None else ""


def duration(time_ms: float) -> str:
    """Milliseconds with a unit."""
    return units.duration(time_ms * NS_PER_MS)


def milliseconds(time_ms: float | None) -> str:
    """Milliseconds for a column that names the unit."""
    return units.milliseconds(None if time_ms is None else time_ms * NS_PER_MS)
