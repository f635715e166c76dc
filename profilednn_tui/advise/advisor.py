"""Asks all rules."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from profilednn_tui.advise.account import account_of, union
from profilednn_tui.advise.effects import not_yet_tried
from profilednn_tui.advise.findings import SMALLEST_CEILING, Abstention, Advice, Finding
from profilednn_tui.advise.rule import Rule, Signals
from profilednn_tui.advise.rules import RULES
from profilednn_tui.session.view import SessionView


def advise(view: SessionView, rules: Iterable[Rule] = RULES) -> Advice:
    """The findings of a session; the same session always gives the same words."""
    account = account_of(view)
    signals = Signals(view, account)
    findings: list[Finding] = []
    abstained: list[Abstention] = []
    for rule in rules:
        reason = rule.missing(signals)
        if reason:
            abstained.append(Abstention(rule.name, reason))
            continue
        found = rule.look(signals)
        if found is None:
            continue
        ceiling = account.share(found.covered)
        if ceiling >= SMALLEST_CEILING or not found.covered:
            findings.append(replace(found, ceiling=ceiling, remedy=not_yet_tried(found.remedy, view)))
    findings.sort(key=lambda finding: (-finding.ceiling, finding.rule))
    together = account.share(union(finding.covered for finding in findings))
    return Advice(tuple(findings), tuple(abstained), together)
