"""Advice as Markdown, for an issue or a pull request."""

from __future__ import annotations

from collections.abc import Iterator

from profilednn_tui import units
from profilednn_tui.advise.findings import Advice
from profilednn_tui.export.advice.reference import reference_lines
from profilednn_tui.export.advice.text import caveat_text, nothing_found, proof_lines
from profilednn_tui.export.advice.words import ceiling_text, evidence_text, experiment_command, remedy_text
from profilednn_tui.session.view import SessionView
from profilednn_tui.tables import escape, markdown_code


def markdown_text(advice: Advice, view: SessionView) -> str:
    """A heading for each finding."""
    return "".join(f"{line}\n" for line in _lines(advice, view))


def _lines(advice: Advice, view: SessionView) -> Iterator[str]:
    yield f"## What holds {escape(view.target.name)} back"
    yield ""
    caveat = caveat_text(view)
    if caveat:
        yield from (escape(caveat), "")
    if not advice.findings:
        yield nothing_found(view)
        yield ""
    for finding in advice.findings:
        yield f"### {escape(finding.sentence)}"
        yield ""
        yield f"{ceiling_text(finding)}, rule {markdown_code(finding.rule)}"
        yield ""
        yield from (f"* {escape(evidence_text(evidence))}" for evidence in finding.evidence)
        yield f"* try: {escape(remedy_text(finding.remedy))}"
        command = experiment_command(finding.remedy, view.target)
        if command:
            yield f"* prove it: {markdown_code(command)}"
        yield from (f"* {escape(line)}" for line in proof_lines(finding))
        yield ""
    if len(advice.findings) > 1:
        yield f"All remedies together could win at most {units.share(advice.ceiling)} of the step."
        yield ""
    if advice.reference is not None:
        yield f"### Beside {escape(advice.reference.name)}, its reference"
        yield ""
        yield from (f"* {escape(line)}" for line in reference_lines(advice.reference))
        yield ""
    if advice.abstained:
        yield f"Not known: {', '.join(markdown_code(one.rule) for one in advice.abstained)}"
