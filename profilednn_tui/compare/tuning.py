"""What a search for the fastest setting has found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from profilednn_tui.compare.comparison import Comparison
from profilednn_tui.compare.factorial import Effect


@dataclass(frozen=True, slots=True)
class Eliminated:
    """A candidate that is out."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Winner:
    """The setting that was proven to be faster than stock."""

    optimizations: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TuneReport:
    """The result of a search, which may have been ended early."""

    name: str
    winner: Winner | None
    """None if nothing is better than stock, as far as the search went."""
    comparison: Comparison | None
    """Of the winner, or else of the best candidate, with stock; None before any was made."""
    factors: tuple[Effect, ...]
    """Effects of what was switched between steps."""
    pairs: tuple[tuple[str, str, float], ...]
    raced: tuple[Effect, ...]
    """Effects of what needed processes of its own, beside the best of the others."""
    eliminated: tuple[Eliminated, ...]
    duration_s: float
    words: tuple[str, ...]
    """How the training is started, as after ``python``."""
    recipe: str = ""
    """The file that holds the winner."""
    step_ns: float | None = None
    """Of the plain training, in the first look."""
    unfinished: str = ""
    """What the search did not get to; empty if it is complete."""
