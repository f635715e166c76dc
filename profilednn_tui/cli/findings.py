"""What ``doctor`` reports: one line for each check, and the fix for what does not work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import click

from profilednn_tui.plain import plain

OK, LIMITED, BROKEN = "ok", "limited", "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check."""

    subject: str
    verdict: str
    text: str
    fix: str = ""


def print_findings(findings: Sequence[Finding]) -> None:
    """One line each, aligned."""
    width = max(len(finding.subject) for finding in findings)
    for finding in findings:
        click.echo(f"{finding.verdict:8} {finding.subject:{width}}  {plain(finding.text)}")
        if finding.fix:
            click.echo(f"{'':8} {'':{width}}  fix: {plain(finding.fix)}")
