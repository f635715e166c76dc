"""JSON documents of estimates."""

from __future__ import annotations

from profilednn_tui.ranks.efficiency import Estimate


def estimate_document(one: Estimate | None, factor: float = 1.0) -> dict[str, float | None] | None:
    """Its value and bounds, times a factor that converts units; None if there is no estimate."""
    if one is None:
        return None
    scaled = one.times(factor)
    return {"value": scaled.value, "low": scaled.low, "high": scaled.high}
