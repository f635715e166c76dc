"""Rows of owners, and lines on what a step allocates."""

from __future__ import annotations

from profilednn_tui.session.view import EMPTY_VIEW, SessionView, State
from profilednn_tui.tui.present import memory_account as present
from profilednn_tui.tui.renderables.line import line_width, plain
from tests.unit.session import recordings as r
from tests.unit.session.model.test_memory_account import account, allocations


def view_of(*events: object) -> SessionView:
    return r.view_of(r.hello(), r.training(30), *events)


def test_the_last_row_is_what_no_owner_explains() -> None:
    view = view_of(account())
    assert view.memory_account is not None
    rows = present.owner_rows(view.memory_account)
    assert rows[0].name == "other heap"
    assert rows[0].bar == 1.0
    assert (rows[-1].name, rows[-1].size_bytes) == ("unexplained", 4_000_000)


def test_the_head_tells_the_step_and_what_is_not_known() -> None:
    first, second = present.head_lines(view_of(account(saved_complete=False)))
    assert plain(first) == " 1.00 GB after step 20"
    grown = present.head_lines(view_of(account(step=10), account()))[0]
    assert plain(grown) == " 1.00 GB after step 20   growth over 2 accounts since step 10"
    assert plain(second) == " not everything that variables lead to was looked through"
    assert plain(present.head_lines(view_of(account(saved_bytes=None)))[1]).strip().startswith("this torch does not")
    assert plain(present.head_lines(EMPTY_VIEW)[0]) == ""


def test_without_an_account_the_screen_says_how_to_get_one() -> None:
    live = present.account_message(SessionView(state=State.RUNNING, live=True))
    assert live is not None
    assert live.sentences == ("{measure} takes one at the end of the next step.",)
    ended = present.account_message(SessionView(state=State.ENDED))
    assert ended is not None
    assert "This recording has none" in ended.sentences[0]
    assert present.account_message(view_of(account())) is None


def test_the_step_has_its_peak_its_curve_its_phases_and_its_operators() -> None:
    step = view_of(allocations()).allocations
    assert step is not None
    text = [plain(line) for line in present.step_lines(step, 78, 40)]
    assert text[0].startswith("640.0 MB above its begin at the peak of step 21, after 30.0 ms in backward")
    assert text[1] == "saved for the backward pass 600.0 MB   gradients 30.0 MB   temporary 10.0 MB"
    assert text[2] == "freed before it, of what there was 100.0 MB"
    assert text[3] == "Kept from the step before: 8.00 MB of forward"
    assert "█" in "".join(text[5:11])
    assert text[11].rstrip().endswith("50.0 ms")
    assert any(line.startswith("forward") and line.endswith("200") for line in text)
    assert any(line.endswith("aten::relu") for line in text)
    assert any(line.endswith("no operator") for line in text)


def test_no_line_is_wider_than_a_small_terminal() -> None:
    step = view_of(allocations(strings=["x" * 300])).allocations
    assert step is not None
    lines = present.step_lines(step, 60, 12)
    assert max(line_width(line) for line in lines) <= 60
    assert not any("█" in plain(line) for line in lines), "no room for the curve"


def test_without_a_step_the_key_is_told_while_the_training_runs() -> None:
    assert present.no_step_text(live=True).startswith("{measure} records")
    assert present.no_step_text(live=False) == "None was recorded."
