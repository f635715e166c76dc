"""Which optimizations a trial has on together."""

from __future__ import annotations

from pathlib import Path

import pytest

from profilednn_tui.errors import ProfilerError
from profilednn_tui.experiment import trial
from profilednn_tui.experiment.trial import TimeLimit, combined
from profilednn_tui.launch.optimizations import OptimizationDescription
from profilednn_tui.session.view import Optimization


def offered(name: str, *conflicts: str, reason: str = "", fix: str = "") -> OptimizationDescription:
    """An optimization as the target's environment describes it."""
    return OptimizationDescription(name, "", conflicts, at_launch=False, reason=reason, fix=fix)


def test_all_that_can_be_combined_are_tried_together() -> None:
    chosen, left_out = combined([offered("channels_last"), offered("threads")])
    assert (chosen, left_out) == (("channels_last", "threads"), ())


def test_what_is_in_the_way_of_another_is_told_whichever_of_them_says_so() -> None:
    chosen, left_out = combined([offered("a", "b"), offered("b"), offered("c", "a"), offered("d")])
    assert chosen == ("a", "d")
    assert left_out == (
        Optimization("b", "conflict", "not tried together with a"),
        Optimization("c", "conflict", "not tried together with a"),
    )


def test_what_is_not_available_has_its_fix_and_is_in_nobodys_way() -> None:
    chosen, left_out = combined([offered("a", "b", reason="no compiler", fix="install g++"), offered("b")])
    assert chosen == ("b",)
    assert left_out == (Optimization("a", "unavailable", "no compiler. Fix: install g++"),)


def test_compiling_takes_longer_than_a_trial() -> None:
    chosen, (left_out,) = combined([offered("compile")])
    assert chosen == ()
    assert left_out.text == "compiling takes longer than a trial: try it with --with compile"


def test_a_run_is_left_alone_until_its_time_is_up(tmp_path: Path) -> None:
    TimeLimit(10.0).beat(tmp_path / "no session yet", 9.9)


def test_a_training_without_steps_is_told(tmp_path: Path) -> None:
    with pytest.raises(ProfilerError, match="has not made 5 steps in 5 min"):
        TimeLimit(10.0).beat(tmp_path, trial.LONGEST_S + 11)
