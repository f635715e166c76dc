"""The contents of a report."""

from __future__ import annotations

from dataclasses import dataclass

from profilednn_tui.compare.ablation import Ablation
from profilednn_tui.compare.comparison import Comparison
from profilednn_tui.export.comparison.words import LIMIT


@dataclass(frozen=True, slots=True)
class Report:
    """One comparison, or all candidates of an experiment against its baseline."""

    name: str
    comparisons: tuple[Comparison, ...]
    ablation: Ablation | None = None
    notes: tuple[str, ...] = ()
    """Notes on all comparisons."""
    limit: float = LIMIT
    """The relative difference of interest to the reader."""
