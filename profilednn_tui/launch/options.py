"""How a target is launched and profiled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from profilednn_tui.protocol.switching import SwitchingPlan

AGENT_FOLDER = Path(__file__).resolve().parent.parent / "agent"

POLITE_NICENESS = 19
"""For our own processes: if all cores of a machine train, each core we run on would delay the others."""

DEFAULT_OVERHEAD_PERCENT = 2.0


@dataclass(frozen=True, slots=True)
class LaunchOptions:
    """The options of a run."""

    overhead_percent: float = DEFAULT_OVERHEAD_PERCENT
    steps: int | None = None
    """End the target cleanly after this many steps."""
    epochs: int | None = None
    """How many epochs the training has, for the remaining time of programs that do not tell."""
    optimizations: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    """Added to the target's environment."""
    seed: int | None = None
    """Seed of all random generators, to make runs comparable; seeds set by the program itself take precedence."""
    note_side_effects: bool = False
    """Have the target note the files that it writes, and the like."""
    certificate: bool = False
    """Record what each update does to the parameters."""
    gradient_noise: bool = False
    """Record what the gradients of neighbouring updates have in common."""
    switching: SwitchingPlan | None = None
    """Settings that change between steps; None to keep them as they are."""
    name: str | None = None
    """The user's name for the session; None for the default."""
    output: Path | None = None
    """Absolute path of the snapshot to write at the end; None for no snapshot."""
