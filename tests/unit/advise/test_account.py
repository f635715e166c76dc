"""The parts of a step."""

from __future__ import annotations

import pytest

from profilednn_tui.advise.account import Part, account_of, union
from profilednn_tui.session.view import SessionView
from tests.unit.advise.sessions import operator, session


def test_the_parts_add_up_to_the_median_step() -> None:
    account = account_of(session(operator("aten::mm", 20.0), operator("aten::mm_backward", 50.0, "backward")))
    assert sum(account.parts.values()) == pytest.approx(account.step_ns) == pytest.approx(100e6)
    assert account.parts[Part("forward")] == pytest.approx(10e6), "what no operator accounts for"


def test_operators_that_the_profiler_slowed_are_scaled_to_their_phase() -> None:
    account = account_of(session(operator("aten::mm", 45.0), operator("aten::add", 15.0)))
    assert account.parts[Part("forward")] == 0.0
    assert account.share(account.of_phase("forward")) == pytest.approx(0.3)
    assert account.share(account.where(lambda part: part.operator is not None)) == pytest.approx(0.3)


def test_an_operator_of_an_early_recording_is_forward_unless_autograd_ran_it() -> None:
    rows = (operator("aten::mm", 10.0, ""), operator("aten::mm_backward", 10.0, "backward"))
    account = account_of(session(*rows))
    assert {part.phase for part in account.parts if part.operator is not None} == {"forward", "backward"}


def test_a_session_without_steps_has_no_parts() -> None:
    account = account_of(SessionView())
    assert (account.step_ns, account.share({Part("data"): 1.0})) == (0.0, 0.0)


def test_findings_about_the_same_time_are_not_added_up() -> None:
    forward, backward = Part("forward"), Part("backward")
    together = union(({forward: 10.0, backward: 5.0}, {forward: 7.0}, {backward: 6.0}))
    assert together == {forward: 10.0, backward: 6.0}
