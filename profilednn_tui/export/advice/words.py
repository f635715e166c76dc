"""Findings in words and as commands."""

from __future__ import annotations

import shlex

from profilednn_tui import units
from profilednn_tui.advise.findings import Evidence, Finding, Remedy
from profilednn_tui.session.proof import Effect, Proof, TrackRecord
from profilednn_tui.session.view import Target

VARIANT = "tried"
LONGEST_COMMAND = 1_000
"""Characters; a longer one says nothing to a reader."""


def experiment_command(remedy: Remedy, target: Target) -> str:
    """The command that measures a remedy; empty if it changes the script, is too long, or the target is not known."""
    settings = [*remedy.optimizations, *(f"{name}={value}" for name, value in remedy.environment.items())]
    if not settings or not target.argv:
        return ""
    command = shlex.join(["profilednn-tui", "experiment", "--variant", f"{VARIANT}={','.join(settings)}", *target.argv])
    return command if len(command) <= LONGEST_COMMAND else ""


def remedy_text(remedy: Remedy) -> str:
    """What to try, in a few words."""
    if remedy.change:
        return remedy.change
    tried = [f"--with {','.join(remedy.optimizations)}"] if remedy.optimizations else []
    tried += [f"--env {name}={value}" for name, value in remedy.environment.items()]
    return " ".join(tried)


def ceiling_text(finding: Finding) -> str:
    """``at most 41 % of the step``"""
    return f"at most {units.share(finding.ceiling)} of the step" if finding.ceiling else "no time of its own"


def gain_text(gain: float, low: float, high: float) -> str:
    """A share of the step with its interval: ``61 % of the step won (58 to 64 %)``."""
    if low < 0 < high:
        return f"between {units.share(-low)} of the step lost and {units.share(high)} won"
    word, ends = ("won", (low, high)) if gain >= 0 else ("lost", (-high, -low))
    first, last = map(units.share, ends)
    return f"{units.share(abs(gain))} of the step {word} ({first.removesuffix(' %')} to {last})"


def effect_text(proof: Proof) -> str:
    """What a remedy did: ``61 % of the step won (58 to 64 %)``."""
    gain = gain_text(proof.gain, proof.low, proof.high)
    if proof.effect in (Effect.HELPED, Effect.HARMED):
        return gain
    return f"{proof.effect.value}: {gain}"


def measured_text(proof: Proof) -> str:
    """``61 % of the step won (58 to 64 %), 4 runs per side in lockstep; losses the same``"""
    order = proof.order if proof.order.startswith("in ") else f"in {proof.order}"
    runs = "1 run" if proof.runs == 1 else f"{units.count(proof.runs)} runs"
    losses = f"losses {proof.losses}" if proof.losses else ""
    return "; ".join(filter(None, (f"{effect_text(proof)}, {runs} per side {order}", losses, proof.note)))


def record_text(record: TrackRecord | None) -> str:
    """``helped 3 of 4 times, harmed 1``; empty if no remedy of the rule was tried."""
    if record is None or record == TrackRecord():
        return ""
    total = record.helped + record.no_difference + record.harmed
    harmed = f", harmed {record.harmed}" if record.harmed else ""
    return f"helped {record.helped} of {total} {'time' if total == 1 else 'times'}{harmed}"


def evidence_text(evidence: Evidence) -> str:
    """``intra-op threads: 8``; units that count what the text names are left out."""
    unit = "" if evidence.unit in evidence.text else f" {evidence.unit}"
    return f"{evidence.text}: {value_text(evidence)}{unit}"


def value_text(evidence: Evidence) -> str:
    """The figure without its unit: three digits, or a whole number."""
    value = evidence.value
    return units.count(value) if value == int(value) or abs(value) >= 1000 else f"{value:.3g}"
