"""Adds to advice what came out when its remedies were tried."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from profilednn_tui.advise.findings import Advice, Finding
from profilednn_tui.session.proof import Proof, track_record


def with_proofs(advice: Advice, proofs: Iterable[Proof], session: str) -> Advice:
    """The advice with what was measured for this session and what the rules' remedies did before.

    A session's newest proof of a rule counts.
    """
    known = sorted(proofs, key=lambda proof: proof.unix_ns)

    def told(finding: Finding) -> Finding:
        of_rule = [proof for proof in known if proof.rule == finding.rule]
        here = [proof for proof in of_rule if proof.session == session]
        return replace(finding, measured=here[-1] if here else None, record=track_record(of_rule))

    return replace(advice, findings=tuple(told(finding) for finding in advice.findings))
