"""What came out when remedies were tried on this machine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum


class Effect(Enum):
    """What a remedy did to the step time."""

    HELPED = "helped"
    NO_DIFFERENCE = "no difference"
    HARMED = "harmed"
    NOT_JUDGED = "not judged"


@dataclass(frozen=True, slots=True)
class Proof:
    """A remedy that was tried in an experiment against the training as it was."""

    rule: str
    session: str
    """The session whose finding was tried: its folder's name."""
    remedy: str
    """In words, as in the advice: ``--with allocator``."""
    ceiling: float
    """Of the finding, as a share of the step."""
    effect: Effect
    gain: float
    """Measured share of the step that was won; negative if steps became slower."""
    low: float
    high: float
    """The interval of `gain`."""
    order: str
    """How the runs were made: ``lockstep`` or ``in turn``."""
    runs: int
    """Per side."""
    losses: str
    """Whether the trainings learned the same, in words that follow "losses": ``the same``."""
    unix_ns: int
    note: str = ""
    """Why it is not judged, or that the remedy was not on; empty if there is nothing to say."""


@dataclass(frozen=True, slots=True)
class TrackRecord:
    """How often a rule's remedies were tried on this machine, in all sessions."""

    helped: int = 0
    no_difference: int = 0
    harmed: int = 0


def track_record(proofs: Iterable[Proof]) -> TrackRecord:
    """The counts of some proofs."""
    effects = [proof.effect for proof in proofs]
    return TrackRecord(*(effects.count(one) for one in (Effect.HELPED, Effect.NO_DIFFERENCE, Effect.HARMED)))
