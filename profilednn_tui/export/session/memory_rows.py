"""The account of the memory and the allocations of a step, for JSON."""

from __future__ import annotations

from typing import Any

from profilednn_tui.session.view import MemoryAccount, StepAllocations

_NS_PER_MS = 1e6


def account_document(account: MemoryAccount | None) -> dict[str, Any] | None:
    """Bytes by owner, and what no owner explains."""
    if account is None:
        return None
    return {
        "step": account.step,
        "total_bytes": account.total_bytes,
        "owners": [
            {"name": owner.name, "bytes": owner.size_bytes, "bytes_per_step": owner.growth_bytes}
            for owner in account.owners
        ],
        "unexplained_bytes": account.unexplained_bytes,
        "allocator": account.allocator or None,
        "saved_activations_known": account.tells_saved,
        "all_graphs_visited": account.saved_complete,
        "accounts": list(account.steps),
        "cost_ms": account.cost_ns / _NS_PER_MS,
    }


def allocations_document(step: StepAllocations | None) -> dict[str, Any] | None:
    """What one step allocates above what there was when it began."""
    if step is None:
        return None
    return {
        "step": step.step,
        "duration_ms": step.duration_ns / _NS_PER_MS,
        "peak_ms": step.peak_ns / _NS_PER_MS,
        "peak_bytes": step.peak_bytes,
        "end_bytes": step.end_bytes,
        "at_peak": dict(step.at_peak),
        "freed_before_peak_bytes": step.freed_bytes,
        "kept_from_step_before": dict(step.kept),
        "phases": [
            {
                "name": one.phase,
                "highest_bytes": one.highest_bytes,
                "allocated_bytes": one.allocated_bytes,
                "allocations": one.allocations,
            }
            for one in step.phases
        ],
        "operators_at_peak": [
            {"name": one.operator or None, "kind": one.kind, "bytes": one.size_bytes, "blocks": one.blocks}
            for one in step.owners
        ],
        "levels": [[time_ns / _NS_PER_MS, level] for time_ns, level in step.levels],
    }
