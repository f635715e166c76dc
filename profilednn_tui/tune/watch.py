"""Whom the stages of a search tell what they see."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from profilednn_tui.compare.factorial import Effect


@dataclass(frozen=True, slots=True)
class Watch:
    """Receives the progress of a stage."""

    tell: Callable[[str], None]
    """One sentence at a time."""
    effects: Callable[[Sequence[Effect]], None]
    """All effects of the stage so far."""
