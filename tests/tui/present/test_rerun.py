"""The line about the run before."""

from __future__ import annotations

from dataclasses import replace

from profilednn_tui.session.view import Steps
from profilednn_tui.tui.present.rerun import EarlierRun, before_line
from tests.tui.feeds import optimized_view
from tests.tui.screen_text import lines_text


def test_both_medians_and_what_was_switched_are_told() -> None:
    before = EarlierRun(62.5e6, ("bf16",))
    assert lines_text([before_line(before, optimized_view())]) == (
        " median step before 62.5 ms, now 30.0 ms, with +channels_last -bf16"
    )


def test_it_is_information_and_no_verdict() -> None:
    line = lines_text([before_line(EarlierRun(62.5e6), optimized_view())])
    assert not any(word in line for word in ("faster", "slower", "%", "x "))


def test_the_same_optimizations_are_said_to_be_the_same() -> None:
    before = EarlierRun.of(optimized_view())
    line = lines_text([before_line(before, replace(optimized_view(), steps=Steps()))])
    assert line == " median step before 30.0 ms, now –, with the same optimizations"
