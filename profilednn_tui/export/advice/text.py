"""Advice for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from profilednn_tui import units
from profilednn_tui.advise.findings import Advice, Finding
from profilednn_tui.export.advice.reference import reference_lines
from profilednn_tui.export.advice.words import (
    ceiling_text,
    evidence_text,
    experiment_command,
    measured_text,
    record_text,
    remedy_text,
)
from profilednn_tui.plain import plain
from profilednn_tui.session.view import SessionView

MOST_FINDINGS = 3
LEAST_CEILING = 0.05
"""What a summary tells of the findings."""

NOTHING_FOUND = "No rule finds anything that holds this training back."
NO_STEPS = "No training step was measured, so no rule can tell anything."


def nothing_found(view: SessionView) -> str:
    """The sentence of advice without findings."""
    return NOTHING_FOUND if view.steps.median_ns else NO_STEPS


def caveat_text(view: SessionView) -> str:
    """What makes the shares of all findings uncertain; empty if nothing does."""
    return f"Caution: {view.cores.contention}." if view.cores.contention else ""


def advice_text(advice: Advice, view: SessionView) -> str:
    """Each finding with its evidence and what to try, then what could not be told."""
    return "".join(f"{plain(line)}\n" for line in _lines(advice, view))


def proof_lines(finding: Finding) -> Iterator[str]:
    """What trying its remedy has shown: for this session, then on this machine; nothing if it was never tried."""
    if finding.measured is not None:
        ceiling = f"; ceiling {units.share(finding.measured.ceiling)}" if finding.measured.ceiling else ""
        yield f"measured: {measured_text(finding.measured)}{ceiling}"
    record = record_text(finding.record)
    if record:
        yield f"tried on this machine: {record}"


def first_findings(advice: Advice) -> tuple[Finding, ...]:
    """The findings that a summary has room for: those with much time, then faults that take none, as growing memory."""
    told = (finding for finding in advice.findings if finding.ceiling >= LEAST_CEILING or not finding.covered)
    return tuple(told)[:MOST_FINDINGS]


def finding_line(finding: Finding) -> str:
    """One of them, with what to try."""
    return f"{finding.sentence} ({ceiling_text(finding)}; try: {remedy_text(finding.remedy)})"


def _lines(advice: Advice, view: SessionView) -> Iterator[str]:
    caveat = caveat_text(view)
    if caveat:
        yield from (caveat, "")
    if not advice.findings:
        yield nothing_found(view)
    for number, finding in enumerate(advice.findings, start=1):
        yield f"{number}. {finding.sentence}"
        yield f"   {ceiling_text(finding)}  [{finding.rule}]"
        for evidence in finding.evidence:
            yield f"   - {evidence_text(evidence)}"
        yield f"   try: {remedy_text(finding.remedy)}"
        command = experiment_command(finding.remedy, view.target)
        if command:
            yield f"   prove it: {command}"
        yield from (f"   {line}" for line in proof_lines(finding))
        yield ""
    if len(advice.findings) > 1:
        yield f"All remedies together could win at most {units.share(advice.ceiling)} of the step."
        yield ""
    if advice.reference is not None:
        yield f"Beside {advice.reference.name}, its reference:"
        yield from (f"   - {line}" for line in reference_lines(advice.reference))
        yield ""
    for abstention in advice.abstained:
        yield f"cannot tell {abstention.rule}: {abstention.reason}"
