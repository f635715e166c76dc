"""A gate's answer as text, Markdown for a pull request, and JSON (schema ``profilednn.gate/1``)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from profilednn_tui import units
from profilednn_tui.compare.gate import Answer, Decision
from profilednn_tui.export.comparison.json_comparison import document
from profilednn_tui.export.comparison.markdown import markdown_text
from profilednn_tui.export.comparison.report import Report
from profilednn_tui.export.comparison.text import report_text
from profilednn_tui.tables import escape

SCHEMA = "profilednn.gate/1"

_MARKS = {Answer.NO_REGRESSION: "✅", Answer.REGRESSION: "❌", Answer.UNDECIDED: "❔"}


def answer_text(decision: Decision, limit: float) -> str:
    """The answer in one sentence with its numbers."""
    if decision.answer is Answer.NO_REGRESSION:
        return f"no regression of {units.share(limit)} or more: {_numbers(decision)}"
    if decision.answer is Answer.REGRESSION:
        return f"regression: {_numbers(decision)}"
    asked = f"whether there is a regression of {units.share(limit)} cannot be told"
    if decision.reason:
        return f"{asked}: {decision.reason}"
    known = f": {_numbers(decision)}" if decision.ratio is not None else ""
    if decision.more_groups is None:
        return f"{asked}{known}; more groups are needed"
    return f"{asked}{known}; {units.counted(decision.more_groups, 'more group')} would probably tell"


def gate_text(decision: Decision, report: Report | None, revisions: str, limit: float) -> str:
    """The answer, then the whole comparison."""
    details = "" if report is None else "\n" + report_text(report)
    return f"gate       {answer_text(decision, limit)}\n           {revisions}\n{details}"


def gate_markdown(decision: Decision, report: Report | None, revisions: str, limit: float) -> str:
    """A comment on a pull request: the answer, with the comparison folded away."""
    head = f"### {_MARKS[decision.answer]} {escape(answer_text(decision, limit))}\n\n{escape(revisions)}\n"
    if report is None:
        return head
    return f"{head}\n<details><summary>All figures</summary>\n\n{markdown_text(report)}\n</details>\n"


def gate_json(decision: Decision, report: Report | None, revisions: str, limit: float) -> str:
    """The answer and, as ``comparison``, the document of ``compare --json``; changes are in percent."""
    body: dict[str, Any] = {
        "schema": SCHEMA,
        "answer": decision.answer.value,
        "reason": decision.reason,
        "limit_percent": 100 * limit,
        "change_percent": _percent(decision.ratio),
        "low_percent": _percent(decision.low),
        "high_percent": _percent(decision.high),
        "groups": decision.groups,
        "more_groups": decision.more_groups,
        "revisions": revisions,
        "comparison": document(report.comparisons[0], limit) if report and report.comparisons else None,
    }
    return json.dumps(body, indent=1, allow_nan=False) + "\n"


GATE_FORMATS: Mapping[str, Callable[[Decision, Report | None, str, float], str]] = MappingProxyType(
    {"text": gate_text, "json": gate_json, "markdown": gate_markdown}
)


def _numbers(decision: Decision) -> str:
    assert decision.ratio is not None
    groups = f"in {units.counted(decision.groups, 'group')}"
    if decision.low is None or decision.high is None:
        return f"step time {units.change(decision.ratio)} {groups}"
    interval = f"({units.change(decision.low)} to {units.change(decision.high)})"
    return f"step time {units.change(decision.ratio)} {interval} {groups}"


def _percent(ratio: float | None) -> float | None:
    return None if ratio is None else 100 * (ratio - 1)
