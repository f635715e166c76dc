"""What a rule says of a session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from profilednn_tui.advise.account import NOTHING, Covered
from profilednn_tui.session.proof import Proof, TrackRecord

if TYPE_CHECKING:
    from profilednn_tui.advise.reference import Reference

SMALLEST_CEILING = 0.01
"""Findings about less time are not worth a sentence."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One figure behind a finding."""

    text: str
    """What it is: ``self time of aten::sqrt``."""
    value: float
    unit: str
    place: str = ""
    """Where it can be seen: the number of a pane, an operator, or ``train.py:24``; empty if nowhere."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """What to try: optimizations or an environment, or else a change of the script."""

    optimizations: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    change: str = ""
    """A sentence with the line that it concerns. A rule may name both: the change is for a session in which the
    optimizations were on already."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One cause of lost time or memory."""

    rule: str
    sentence: str
    evidence: tuple[Evidence, ...]
    remedy: Remedy
    covered: Covered = field(default_factory=lambda: NOTHING)
    """The time per step that a remedy could win at most, by part of the step."""
    ceiling: float = 0.0
    """The same as a share of the step; never a promise. 0 for what costs memory alone."""
    in_few_steps: bool = False
    """Whether that time is in a few of the steps, so that it is in their mean and not in their median."""
    measured: Proof | None = None
    """What came out when the remedy was tried for this session."""
    record: TrackRecord | None = None
    """What the rule's remedies did on this machine before; None if nobody has looked."""


@dataclass(frozen=True, slots=True)
class Abstention:
    """A rule that cannot tell."""

    rule: str
    reason: str
    """Which signal is missing, and why."""


@dataclass(frozen=True, slots=True)
class Advice:
    """All findings of a session, most recoverable time first."""

    findings: tuple[Finding, ...] = ()
    abstained: tuple[Abstention, ...] = ()
    ceiling: float = 0.0
    """The share of the step that all remedies together could win at most."""
    reference: Reference | None = None
    """What differs from a reference session, if one was named."""
