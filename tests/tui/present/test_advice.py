"""Findings as rows and words."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest

from profilednn_tui.advise.findings import Advice
from profilednn_tui.session.proof import Effect
from profilednn_tui.session.view import EMPTY_VIEW
from profilednn_tui.tui.present import advice
from profilednn_tui.tui.present.advice import COLUMNS, Attempt, FindingRow, Findings
from profilednn_tui.tui.present.table import place_columns
from profilednn_tui.tui.renderables.line import line_width
from tests.tui.advised import ADVICE, ALLOCATOR, DATA, PROOF, THREADS
from tests.tui.feeds import running_view
from tests.tui.screen_text import lines_text

FOUND = Findings(ADVICE)


def cells(row: FindingRow, width: int = 200) -> dict[str, str]:
    """The texts of a row by the titles of their columns."""
    placed = place_columns(COLUMNS, width).columns
    return {item.column.title: lines_text([item.column.cell(row, item.width)]) for item in placed}


def test_the_header_names_the_first_finding_if_it_costs_ten_percent() -> None:
    assert FOUND.headline == "data wait 94 %"
    assert Findings(Advice((ALLOCATOR,))).headline == ""
    assert Findings(Advice((replace(ALLOCATOR, ceiling=0.1),))).headline == "allocator faults 10 %"
    assert Findings().headline == ""


def test_rules_that_cannot_tell_come_last_and_are_subdued() -> None:
    last = advice.finding_rows(FOUND)[-1]
    assert cells(last)["finding"] == "cannot tell reorders: no window has data on oneDNN primitives"
    assert cells(last)["at most"] == ""
    assert {role for column in COLUMNS for _, role in column.cell(last, 60)} <= {"faint", "muted"}


def test_a_finding_shows_its_ceiling_what_was_measured_and_the_record() -> None:
    row = advice.find_row(FOUND, "thread-oversubscription")
    assert row is not None
    assert cells(row) == {
        "at most": "41 %", "measured": "31 %", "finding": THREADS.sentence, "on this machine": "helped 3 of 4 times",
    }  # fmt: skip


@pytest.mark.parametrize(("effect", "text"), [
    (Effect.NO_DIFFERENCE, "no difference"), (Effect.NOT_JUDGED, "not judged"), (Effect.HARMED, "31 %"),
])  # fmt: skip
def test_only_what_was_decided_is_shown_as_a_figure(effect: Effect, text: str) -> None:
    row = FindingRow("r", "", replace(THREADS, measured=replace(PROOF, effect=effect)))
    assert cells(row)["measured"] == text


def test_what_costs_memory_alone_has_no_ceiling() -> None:
    assert cells(FindingRow("r", "", replace(DATA, ceiling=0.0)))["at most"] == "–"


def test_the_progress_of_a_trial_takes_the_place_of_earlier_figures() -> None:
    trying = Findings(ADVICE, MappingProxyType({"thread-oversubscription": Attempt(True, "2 of 8 runs")}))
    row = advice.find_row(trying, "thread-oversubscription")
    assert row is not None
    assert cells(row)["measured"] == "trying …"
    assert "trying    2 of 8 runs" in lines_text(advice.detail_lines(row, running_view(), 80))
    assert trying.trying == "thread oversubscription"
    assert FOUND.trying == ""


def test_the_command_to_measure_a_remedy_by_hand_is_among_the_details() -> None:
    row = FindingRow(THREADS.rule, THREADS.sentence, THREADS)
    assert "profilednn-tui experiment --variant tried=threads train.py" in lines_text(
        advice.detail_lines(row, running_view(), 200, command=True)
    )


@pytest.mark.parametrize(("place", "words"), [
    ("4", "4 Threads"), ("9", "9 Run"), ("d", "oneDNN primitives"), ("aten::mm", "aten::mm"),
    ("train.py:24", "train.py:24"), ("10", "10"), ("", ""),
])  # fmt: skip
def test_places_in_words(place: str, words: str) -> None:
    assert advice.place_text(place) == words


def test_places_are_panes_lines_or_names() -> None:
    assert (advice.pane_of("1"), advice.pane_of("0"), advice.pane_of("10"), advice.pane_of("d")) == (
        1,
        None,
        None,
        None,
    )
    assert advice.line_of("a b/train.py:24") == ("a b/train.py", 24)
    assert advice.line_of("aten::mm") is None


def test_without_findings_the_reason_is_told() -> None:
    assert advice.findings_message(Findings(), EMPTY_VIEW) is not None
    nothing = advice.findings_message(Findings(Advice()), EMPTY_VIEW)
    assert nothing is not None
    assert nothing.title == "No training step was measured, so no rule can tell anything."
    assert advice.findings_message(FOUND, running_view()) is None


def test_all_findings_together_never_exceed_their_union() -> None:
    assert advice.summary_text(FOUND, running_view()) == "3 findings: together at most 97 % of the step"
    assert advice.summary_text(Findings(Advice((DATA,))), running_view()) == "1 finding: at most 94 % of the step"


@pytest.mark.parametrize("width", [40, 76, 116, 196])
def test_lines_fit_into_their_width(width: int) -> None:
    for row in advice.finding_rows(FOUND):
        assert all(line_width(line) <= width for line in advice.detail_lines(row, running_view(), width, command=True))
    assert all(line_width(line) <= width for line in advice.notice_lines(FOUND, width))


def test_the_pane_of_notices_shows_the_first_findings() -> None:
    assert lines_text(advice.notice_lines(FOUND, 100)).splitlines() == [
        f"94 % {DATA.sentence}", f"41 % {THREADS.sentence}", f"6.0 % {ALLOCATOR.sentence}",
    ]  # fmt: skip
    assert advice.notice_lines(Findings(), 100) == ()
