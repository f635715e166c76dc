"""The settings requested by the host."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """Fixed when the agent starts; later commands change budget and steps only in the parts that use them."""

    folder: str
    """The session folder."""
    budget_percent: float
    """Share of the run's time that the agent may cost; 0 for no operator windows."""
    stop_after: int | None = None
    """Number of steps after which a launched run ends or an attached agent leaves."""
    primitives: bool = False
    """Whether to record oneDNN's primitives."""
    lockstep: bool = False
    """Whether steps alternate with those of another variant."""
    certificate: bool = False
    """Whether to record what each update does to the parameters."""
    gradient_noise: bool = False
    """Whether to record what the gradients of neighbouring updates have in common."""
    switching: bool = False
    """Whether settings change between steps, as a plan in the session folder says."""
    optimizations: tuple[str, ...] = ()
    seed: int | None = None
