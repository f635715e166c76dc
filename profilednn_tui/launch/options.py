"""How a target is watched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

AGENT_FOLDER = Path(__file__).resolve().parent.parent / "agent"

POLITE_NICENESS = 19
"""Of our own processes: on a machine whose cores all train, each of them would be the one that the others wait for."""

DEFAULT_OVERHEAD_PERCENT = 2.0


@dataclass(frozen=True, slots=True)
class LaunchOptions:
    """The options of a run."""

    overhead_percent: float = DEFAULT_OVERHEAD_PERCENT
    steps: int | None = None
    """End the target cleanly after this many steps."""
    optimizations: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    """Added to the target's environment."""
    seed: int | None = None
    """Of all random numbers, where runs are to be compared; the program's own seeds come later and win."""
    name: str | None = None
    """What the user calls the session."""
    output: Path | None = None
    """Absolute path of the snapshot to write at the end."""
