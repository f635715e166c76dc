"""What the host has asked for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """Made once, when the agent starts; commands that come later change budget and steps in the parts that use them."""

    folder: str
    """The session folder."""
    budget_percent: float
    """The share of the run's time that the agent may cost; 0 for no operator windows."""
    stop_after: int | None = None
    """The number of steps after which a launched run ends, and an attached agent leaves."""
    primitives: bool = False
    """Whether to record what oneDNN runs."""
    lockstep: bool = False
    """Whether the steps are made in turns with those of another variant."""
    optimizations: tuple[str, ...] = ()
    seed: int | None = None
