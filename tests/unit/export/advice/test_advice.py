"""Advice as text, Markdown and JSON."""

from __future__ import annotations

import json
from dataclasses import replace

from profilednn_tui.advise.account import Part
from profilednn_tui.advise.advisor import advise
from profilednn_tui.advise.findings import Advice, Evidence, Finding, Remedy
from profilednn_tui.advise.proof import with_proofs
from profilednn_tui.advise.reference import Gradient, Passes, Reference, Shares
from profilednn_tui.export.advice import ADVICE_FORMATS
from profilednn_tui.export.advice.json_advice import MOST_BYTES, json_text
from profilednn_tui.export.advice.text import first_findings
from profilednn_tui.export.advice.words import evidence_text, gain_text, measured_text, record_text
from profilednn_tui.session.proof import Effect, Proof, TrackRecord
from tests.unit.advise.sessions import session

TIME = {Part("forward"): 1_000_000.0}

OVERSUBSCRIBED = session(target=replace(session().target, intra_op_threads=16))
COMMAND = "profilednn-tui experiment --variant tried=threads train.py --lr 0.1"

PROOF = Proof(
    "thread-oversubscription", "here", "--with threads", 0.72, Effect.HELPED, 0.61, 0.58, 0.64, "lockstep", 4,
    "the same", 1,
)  # fmt: skip


def test_text_has_the_sentence_the_evidence_and_the_command_that_proves_it() -> None:
    text = ADVICE_FORMATS["text"](advise(OVERSUBSCRIBED), OVERSUBSCRIBED)
    assert text.startswith("1. 16 threads share 4 cores")
    assert "   - intra-op threads: 16\n" in text
    assert f"   prove it: {COMMAND}\n" in text
    assert "cannot tell reorders: no window has data on oneDNN primitives" in text


def test_a_disturbed_session_has_its_caution_in_all_formats() -> None:
    # Found by a new user: findings of a run beside another one looked as sure as all others.
    view = replace(OVERSUBSCRIBED, cores=replace(OVERSUBSCRIBED.cores, contention="others 90 % of one core"))
    assert ADVICE_FORMATS["text"](advise(view), view).startswith("Caution: others 90 % of one core.\n\n1. ")
    assert "\nCaution: others 90 % of one core.\n" in ADVICE_FORMATS["markdown"](advise(view), view)
    assert json.loads(json_text(advise(view), view))["contention"] == "others 90 % of one core"


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


def test_what_was_measured_stands_beside_the_ceiling_in_all_formats() -> None:
    earlier = [replace(PROOF, session="there", effect=effect) for effect in (Effect.HELPED, Effect.NO_DIFFERENCE)]
    advice = with_proofs(advise(OVERSUBSCRIBED), [*earlier, PROOF], "here")
    lines = (
        "measured: 61 % of the step won (58 to 64 %), 4 runs per side in lockstep; losses the same; ceiling 72 %",
        "tried on this machine: helped 2 of 3 times",
    )
    for line in lines:
        assert f"   {line}\n" in ADVICE_FORMATS["text"](advice, OVERSUBSCRIBED)
        assert f"* {line}\n" in ADVICE_FORMATS["markdown"](advice, OVERSUBSCRIBED)
    (finding,) = json.loads(json_text(advice, OVERSUBSCRIBED))["findings"]
    assert finding["record"] == {"helped": 2, "no_difference": 1, "harmed": 0}
    measured = finding["measured"]
    assert (measured["effect"], measured["gain"], measured["low"], measured["high"]) == ("helped", 0.61, 0.58, 0.64)


def test_the_newest_proof_of_this_session_counts() -> None:
    newer = replace(PROOF, gain=0.5, unix_ns=2)
    (finding,) = with_proofs(advise(OVERSUBSCRIBED), [newer, PROOF], "here").findings
    assert finding.measured == newer


def test_words_without_a_ledger_are_as_before() -> None:
    advice = advise(OVERSUBSCRIBED)
    looked = with_proofs(advice, (), "here")
    for name in ("text", "markdown"):
        assert ADVICE_FORMATS[name](looked, OVERSUBSCRIBED) == ADVICE_FORMATS[name](advice, OVERSUBSCRIBED)
    (finding,) = json.loads(json_text(advice, OVERSUBSCRIBED))["findings"]
    assert (finding["measured"], finding["record"]) == (None, None)


def test_what_did_not_help_is_told_as_well() -> None:
    assert gain_text(-0.12, -0.14, -0.1) == "12 % of the step lost (10 to 14 %)"
    assert gain_text(0.01, -0.02, 0.03) == "between 2.0 % of the step lost and 3.0 % won"
    unclear = replace(PROOF, effect=Effect.NOT_JUDGED, low=-0.1, note="4 groups of runs cannot tell", ceiling=0.0)
    assert measured_text(unclear) == (
        "not judged: between 10 % of the step lost and 64 % won, 4 runs per side in lockstep; losses the same; "
        "4 groups of runs cannot tell"
    )
    assert measured_text(replace(PROOF, order="in turn", runs=1)) == (
        "61 % of the step won (58 to 64 %), 1 run per side in turn; losses the same"
    )


def test_the_record_counts_all_times_a_remedy_was_tried() -> None:
    assert record_text(TrackRecord(1)) == "helped 1 of 1 time"
    assert record_text(TrackRecord(0, 2, 1)) == "helped 0 of 3 times, harmed 1"
    assert record_text(TrackRecord()) == record_text(None) == ""


def test_what_was_measured_is_dropped_from_json_last() -> None:
    evidence = tuple(Evidence("x" * 100, number, "things") for number in range(10))
    findings = tuple(Finding(f"rule-{n}", "y" * 100, evidence, Remedy(change="z"), ceiling=1 / n) for n in range(1, 40))
    tried = (*findings[:-1], replace(findings[-1], measured=PROOF))
    text = json_text(Advice(tried), session())
    assert len(text.encode()) <= MOST_BYTES
    assert json.loads(text)["findings"][-1]["rule"] == "rule-39"


def test_a_reference_is_told_in_each_format() -> None:
    view = session()
    gone = Shares("aten::native_batch_norm", 0.0, 0.125)
    moved = Shares("aten::mul", 0.3, 0.1)
    reference = Reference(
        "best.py", (gone,), (moved,), (Gradient("stem (Conv2d)", 12.5),), Passes(4.0, 2.0), Passes(2.0, None)
    )
    advice = Advice(reference=reference)
    sentences = [
        "aten::native_batch_norm takes 12 % of the operators' time there, and is missing here.",
        "aten::mul takes 30 % of the operators' time here, 10 % there.",
        "stem (Conv2d) has a backward pass of 12.5 ms here, and none there: does it need its gradient?",
        "The backward pass takes 4.00x the forward pass here, its kernels 2.00x those of the forward pass: look at "
        "what is no kernel, such as the loss and copies.",
        "The backward pass takes 2.00x the forward pass there.",
    ]
    text = ADVICE_FORMATS["text"](advice, view)
    assert "Beside best.py, its reference:\n" + "".join(f"   - {one}\n" for one in sentences) in text
    assert "### Beside best.py, its reference" in ADVICE_FORMATS["markdown"](advice, view)
    told = json.loads(json_text(advice, view))["reference"]
    assert told["missing"] == [{"name": "aten::native_batch_norm", "share": 0.125}]
    assert told["moved"] == [{"name": "aten::mul", "share": 0.3, "reference_share": 0.1}]
    assert told["gradients"] == [{"name": "stem (Conv2d)", "ms_per_step": 12.5}]
    assert told["backward_to_forward"] == {"model": 4.0, "kernels": 2.0, "disagree": True}
    assert "reference" not in json.loads(json_text(Advice(), view))


def test_long_names_of_a_reference_leave_room_for_findings() -> None:
    rows = tuple(Shares("x" * 5000, 0.0, 0.1) for _ in range(5))
    finding = Finding("rule", "y", (), Remedy(change="z"), ceiling=0.5)
    reference = Reference("r" * 5000, rows, rows, (), Passes(None, None), Passes(None, None))
    document = json.loads(json_text(Advice((finding,), reference=reference), session()))
    assert document["dropped"] == 0
    assert document["reference"]["missing"][0]["name"].endswith("x…")


def test_a_reference_with_the_same_kernels_is_told_so() -> None:
    reference = Reference("best.py", (), (), (), Passes(2.0, 2.0), Passes(2.0, 2.0))
    assert "All kernels of the reference are there" in ADVICE_FORMATS["text"](Advice(reference=reference), session())


def test_a_summary_has_room_for_three_findings_of_five_percent_or_more() -> None:
    ceilings = (0.5, 0.2, 0.1, 0.06, 0.04)
    several = tuple(Finding(f"rule-{one}", "", (), Remedy(change="z"), TIME, one) for one in ceilings)
    assert [one.ceiling for one in first_findings(Advice(several))] == [0.5, 0.2, 0.1]
    assert [one.ceiling for one in first_findings(Advice(several[3:]))] == [0.06]


def test_a_summary_names_growing_memory_that_takes_no_time() -> None:
    """Of f08_losskept.py, whose memory grew by 397 MB in 60 steps, it said only that there are page faults."""
    growing = Finding("memory-growth-graph", "", (), Remedy(change="z"))
    faults = Finding("allocator-faults", "", (), Remedy(change="z"), TIME, 0.09)
    assert first_findings(Advice((faults, growing))) == (faults, growing)
