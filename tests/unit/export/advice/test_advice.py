"""Advice as text, Markdown and JSON."""

from __future__ import annotations

import json
from dataclasses import replace

from profilednn_tui.advise.advisor import advise
from profilednn_tui.advise.findings import Advice, Evidence, Finding, Remedy
from profilednn_tui.export.advice import ADVICE_FORMATS
from profilednn_tui.export.advice.json_advice import MOST_BYTES, json_text
from profilednn_tui.export.advice.text import first_findings
from profilednn_tui.export.advice.words import evidence_text
from tests.unit.advise.sessions import session

OVERSUBSCRIBED = session(target=replace(session().target, intra_op_threads=16))
COMMAND = "profilednn-tui experiment --variant tried=threads train.py --lr 0.1"


def test_text_has_the_sentence_the_evidence_and_the_command_that_proves_it() -> None:
    text = ADVICE_FORMATS["text"](advise(OVERSUBSCRIBED), OVERSUBSCRIBED)
    assert text.startswith("1. 16 threads share 4 cores")
    assert "   - intra-op threads: 16\n" in text
    assert f"   prove it: {COMMAND}\n" in text
    assert "cannot tell reorders: no window has data on oneDNN primitives" in text


def test_a_healthy_session_is_told_so() -> None:
    view = session()
    assert ADVICE_FORMATS["text"](advise(view), view).startswith("No rule finds anything")
    assert "No rule finds anything" in ADVICE_FORMATS["markdown"](advise(view), view)


def test_json_follows_the_contract() -> None:
    document = json.loads(json_text(advise(OVERSUBSCRIBED), OVERSUBSCRIBED))
    assert document["schema"] == "profilednn.advice/1"
    (finding,) = document["findings"]
    assert finding["rule"] == "thread-oversubscription"
    assert 0 < finding["ceiling"] <= 1
    assert finding["try"] == {"with": ["threads"], "environment": {}, "command": COMMAND}
    assert {"text": "intra-op threads", "value": 16, "unit": "threads", "place": "9"} in finding["evidence"]
    assert {"rule", "reason"} == set(document["abstained"][0])


def test_json_is_at_most_8_kb_and_drops_the_smallest_ceilings() -> None:
    evidence = tuple(Evidence("x" * 100, number, "things") for number in range(10))
    findings = tuple(Finding(f"rule-{n}", "y" * 100, evidence, Remedy(change="z"), ceiling=1 / n) for n in range(1, 40))
    text = json_text(Advice(findings), session())
    document = json.loads(text)
    assert len(text.encode()) <= MOST_BYTES
    kept = [finding["rule"] for finding in document["findings"]]
    assert kept == [f"rule-{number}" for number in range(1, len(kept) + 1)]
    assert document["dropped"] == 39 - len(kept) > 0


def test_the_same_session_gives_the_same_words() -> None:
    assert json_text(advise(OVERSUBSCRIBED), OVERSUBSCRIBED) == json_text(advise(OVERSUBSCRIBED), OVERSUBSCRIBED)


def test_names_from_the_target_are_plain_in_text_and_escaped_in_markdown() -> None:
    view = session()
    hostile = Advice((Finding("rule", "<b> \x1b[31m", (), Remedy(change="a | b")),))
    assert "\x1b" not in ADVICE_FORMATS["text"](hostile, view)
    shown = ADVICE_FORMATS["markdown"](hostile, view)
    assert "&lt;b>" in shown
    assert "a \\| b" in shown


def test_a_unit_that_the_text_names_is_left_out() -> None:
    assert evidence_text(Evidence("intra-op threads", 8, "threads")) == "intra-op threads: 8"
    assert (
        evidence_text(Evidence("idle capacity", 99.04, "percent of one core"))
        == "idle capacity: 99 percent of one core"
    )


def test_a_summary_has_room_for_three_findings_of_five_percent_or_more() -> None:
    ceilings = (0.5, 0.2, 0.1, 0.06, 0.04)
    several = tuple(Finding(f"rule-{one}", "", (), Remedy(change="z"), ceiling=one) for one in ceilings)
    assert [one.ceiling for one in first_findings(Advice(several))] == [0.5, 0.2, 0.1]
    assert [one.ceiling for one in first_findings(Advice(several[3:]))] == [0.06]
