"""Advice for programs: schema ``profilednn.advice/1``, at most `MOST_BYTES`.

The smallest ceilings are dropped first, but what was measured is kept as long as possible.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

from profilednn_tui.advise.findings import Advice, Finding
from profilednn_tui.export.advice.reference import reference_facts
from profilednn_tui.export.advice.words import experiment_command
from profilednn_tui.session.proof import Proof
from profilednn_tui.session.view import SessionView

SCHEMA = "profilednn.advice/1"
MOST_BYTES = 8_000


def json_text(advice: Advice, view: SessionView) -> str:
    """The document; ``dropped`` counts the findings that did not fit."""
    kept = advice
    while True:
        dropped = len(advice.findings) - len(kept.findings)
        text = json.dumps(_document(kept, view, dropped), allow_nan=False) + "\n"
        if len(text.encode()) <= MOST_BYTES or not kept.findings:
            return text
        kept = replace(kept, findings=_without_least(kept.findings))


def _without_least(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """The findings without the smallest ceiling; what was measured goes last."""
    dropped = next((one for one in reversed(findings) if one.measured is None), findings[-1])
    return tuple(one for one in findings if one is not dropped)


def _document(advice: Advice, view: SessionView, dropped: int) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "findings": [_finding(finding, view) for finding in advice.findings],
        "abstained": [{"rule": one.rule, "reason": one.reason} for one in advice.abstained],
        "ceiling": round(advice.ceiling, 4),
        "dropped": dropped,
        "contention": view.cores.contention,
        **({} if advice.reference is None else {"reference": reference_facts(advice.reference)}),
    }


def measured(proof: Proof) -> dict[str, Any]:
    """What came out when a remedy was tried; shares of the step are fractions."""
    return {
        "effect": proof.effect.value,
        "gain": round(proof.gain, 4),
        "low": round(proof.low, 4),
        "high": round(proof.high, 4),
        "ceiling": round(proof.ceiling, 4),
        "losses": proof.losses,
        "order": proof.order,
        "runs": proof.runs,
        "remedy": proof.remedy,
        "note": proof.note,
        "unix_ns": proof.unix_ns,
    }


def _finding(finding: Finding, view: SessionView) -> dict[str, Any]:
    remedy = finding.remedy
    if remedy.change:
        attempt: dict[str, Any] = {"change": remedy.change}
    else:
        attempt = {
            "with": list(remedy.optimizations),
            "environment": dict(remedy.environment),
            "command": experiment_command(remedy, view.target),
        }
    return {
        "rule": finding.rule,
        "sentence": finding.sentence,
        "ceiling": round(finding.ceiling, 4),
        "evidence": [
            {"text": one.text, "value": one.value, "unit": one.unit, "place": one.place} for one in finding.evidence
        ],
        "try": attempt,
        "measured": None if finding.measured is None else measured(finding.measured),
        "record": None if finding.record is None else asdict(finding.record),
    }
