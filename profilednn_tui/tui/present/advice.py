"""The findings as rows: what holds the training back, what came out when it was tried, and the evidence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from profilednn_tui import units
from profilednn_tui.advise.findings import Advice, Evidence, Finding
from profilednn_tui.export.advice.text import first_findings, nothing_found
from profilednn_tui.export.advice.words import (
    ceiling_text,
    experiment_command,
    measured_text,
    record_text,
    remedy_text,
    value_text,
)
from profilednn_tui.session.proof import Effect
from profilednn_tui.session.view import SessionView
from profilednn_tui.tui.present.dashboard import PANES
from profilednn_tui.tui.present.states import Message
from profilednn_tui.tui.present.table import Column
from profilednn_tui.tui.renderables.line import Line, clip, wrap

TRY_MINUTES = 10.0
"""How long a remedy is tried from the screen at most."""
HEADER_CEILING = 0.1
"""The first finding is in the header if it could win this share of the step."""
PRIMITIVES, MEMORY = "d", "M"
"""The places of evidence about primitives and about who holds the memory: the keys that open them."""

_LABEL = 10
_LINE = re.compile(r"(.+):(\d+)")
_EFFECTS = {
    Effect.HELPED: "success", Effect.HARMED: "warning", Effect.NO_DIFFERENCE: "muted", Effect.NOT_JUDGED: "muted",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Attempt:
    """A remedy that is being tried, or one that could not be."""

    running: bool
    note: str
    """How far it is, or why it came to nothing."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What the rules found, and what is being tried."""

    advice: Advice | None = None
    """None until the rules have been asked."""
    attempts: Mapping[str, Attempt] = field(default_factory=lambda: MappingProxyType({}))
    """By rule."""

    @property
    def headline(self) -> str:
        """``data wait 94 %``; empty unless the first finding is about much time."""
        first = self.advice.findings[0] if self.advice is not None and self.advice.findings else None
        if first is None or first.ceiling < HEADER_CEILING:
            return ""
        return f"{rule_words(first.rule)} {units.share(first.ceiling)}"

    @property
    def trying(self) -> str:
        """The finding whose remedy is being tried, in words; empty if none is."""
        return next((rule_words(rule) for rule, attempt in self.attempts.items() if attempt.running), "")


@dataclass(frozen=True, slots=True)
class FindingRow:
    """A finding, or a rule that cannot tell."""

    rule: str
    text: str
    finding: Finding | None = None
    """None for a rule that cannot tell."""
    attempt: Attempt | None = None


def rule_words(rule: str) -> str:
    """``data wait``"""
    return rule.replace("-", " ")


def finding_rows(findings: Findings) -> tuple[FindingRow, ...]:
    """The findings, then the rules that cannot tell."""
    advice = findings.advice or Advice()
    found = (FindingRow(one.rule, one.sentence, one, findings.attempts.get(one.rule)) for one in advice.findings)
    return (*found, *(FindingRow(one.rule, one.reason) for one in advice.abstained))


def find_row(findings: Findings, rule: str) -> FindingRow | None:
    """The finding of a rule; None if there is none."""
    return next((row for row in finding_rows(findings) if row.rule == rule and row.finding is not None), None)


def findings_message(findings: Findings, view: SessionView) -> Message | None:
    """Why there is nothing to list; None if there is."""
    if findings.advice is None:
        return Message("Asking the rules …")
    return None if finding_rows(findings) else Message(nothing_found(view))


def summary_text(findings: Findings, view: SessionView) -> str:
    """What all findings come to, in one line."""
    advice = findings.advice
    if advice is None:
        return ""
    if not advice.findings:
        return nothing_found(view)
    if len(advice.findings) == 1:
        return f"1 finding: {ceiling_text(advice.findings[0])}"
    return f"{len(advice.findings)} findings: together at most {units.share(advice.ceiling)} of the step"


def detail_lines(row: FindingRow, view: SessionView, width: int, command: bool = False) -> tuple[Line, ...]:
    """All about a finding but its evidence, wrapped; with `command`, also how to measure its remedy by hand."""
    finding = row.finding
    if finding is None:
        return _labelled((("", "The rule cannot tell:"), ("because", row.text)), width)
    attempt, record = row.attempt, record_text(finding.record)
    running = attempt is not None and attempt.running
    entries = [
        ("", finding.sentence),
        ("ceiling", ceiling_text(finding)),
        ("try", remedy_text(finding.remedy) + ("" if finding.remedy.change else "   (t tries it)")),
        ("trying" if running else "not tried", attempt.note if attempt else ""),
        ("", f"{units.count(TRY_MINUTES)} minutes at most; t stops it, and so does quitting." if running else ""),
        ("measured", measured_text(finding.measured) if finding.measured is not None else ""),
        ("record", f"{record} on this machine" if record else ""),
        ("by hand", experiment_command(finding.remedy, view.target) if command else ""),
    ]
    return _labelled(entries, width)


def notice_lines(findings: Findings, width: int) -> tuple[Line, ...]:
    """The first findings, for the pane of notices."""
    lines: list[Line] = []
    for finding in first_findings(findings.advice) if findings.advice is not None else ():
        share = f"{units.share(finding.ceiling)} "
        for index, line in enumerate(wrap(finding.sentence, max(10, width - len(share)))):
            lines.append(((share if index == 0 else " " * len(share), "bold primary"), *line))
    return tuple(lines)


# ---------------------------------------------------------------- places of evidence


def pane_of(place: str) -> int | None:
    """The number of the pane that a place is; None if it is none."""
    return int(place) if place.isdecimal() and 1 <= int(place) <= len(PANES) else None


def line_of(place: str) -> tuple[str, int] | None:
    """File and line of a place like ``train.py:24``; None if it is none."""
    match = _LINE.fullmatch(place)
    return (match[1], int(match[2])) if match else None


def place_text(place: str) -> str:
    """Where evidence can be seen, in words."""
    number = pane_of(place)
    if number is not None:
        return f"{number} {PANES[number - 1].capitalize()}"
    return {PRIMITIVES: "oneDNN primitives", MEMORY: "Memory"}.get(place, place)


# ---------------------------------------------------------------- cells


def _ceiling(row: FindingRow, width: int) -> Line:
    if row.finding is None:
        return ()
    ceiling = row.finding.ceiling
    return ((units.share(ceiling) if ceiling else units.UNKNOWN, "bold" if ceiling >= HEADER_CEILING else ""),)


def _measured(row: FindingRow, width: int) -> Line:
    proof = row.finding.measured if row.finding is not None else None
    if row.attempt is not None and row.attempt.running:
        return (("trying …", "primary"),)
    if proof is None:
        return (("not tried", "warning"),) if row.attempt is not None else ()
    decided = proof.effect in (Effect.HELPED, Effect.HARMED)
    return ((units.share(proof.gain) if decided else proof.effect.value, _EFFECTS[proof.effect]),)


def _record(row: FindingRow, width: int) -> Line:
    text = record_text(row.finding.record if row.finding is not None else None)
    return ((clip(text, width), "muted"),)


def _text(row: FindingRow, width: int) -> Line:
    if row.finding is None:
        return ((clip(f"cannot tell {rule_words(row.rule)}: {row.text}", width), "faint"),)
    return ((clip(row.text, width), ""),)


COLUMNS: tuple[Column[FindingRow], ...] = (
    Column("at most", 7, _ceiling),
    Column("measured", 13, _measured),
    Column("finding", 40, _text, right=False, grow=1),
    Column("on this machine", 21, _record, right=False, drop=1),
)

EVIDENCE_COLUMNS: tuple[Column[Evidence], ...] = (
    Column("evidence", 26, lambda row, width: ((clip(row.text, width), ""),), right=False, grow=3),
    Column("value", 7, lambda row, width: ((value_text(row), "bold"),)),
    Column("unit", 12, lambda row, width: ((clip(row.unit, width), "muted"),), right=False, grow=1, most=20),
    Column("seen in", 20, lambda row, width: ((clip(place_text(row.place), width, keep_end=True), "primary"),),
           right=False, grow=1, most=40),
)  # fmt: skip


def search_text(row: FindingRow) -> str:
    return f"{rule_words(row.rule)} {row.text}"


def copy_text(row: FindingRow) -> str:
    ceiling = ceiling_text(row.finding) if row.finding is not None else "cannot tell"
    return f"{row.rule}\t{ceiling}\t{row.text}"


def _labelled(entries: Iterable[tuple[str, str]], width: int) -> tuple[Line, ...]:
    lines: list[Line] = []
    for label, text in entries:
        for index, line in enumerate(wrap(text, max(10, width - _LABEL)) if text else ()):
            lines.append((((label if index == 0 else "").ljust(_LABEL), "muted"), *line))
    return tuple(lines)
