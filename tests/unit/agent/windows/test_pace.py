"""When the agent detects that steps have changed since its last window."""

from __future__ import annotations

from profilednn_tui.agent.windows.pace import MIN_SAMPLE, SAMPLE, Pace


def pace_after(*durations: int, window_after: int) -> Pace:
    pace = Pace()
    for number, duration_ns in enumerate(durations):
        if number == window_after:
            pace.window()
        pace.add(duration_ns)
    return pace


def test_steady_steps_are_no_change() -> None:
    assert not pace_after(*[100, 103, 98, 101] * 20, window_after=10).changed()


def test_steps_that_have_grown_or_shrunk_are_a_change() -> None:
    assert pace_after(*[100] * 20, *[310] * SAMPLE, window_after=15).changed()
    assert pace_after(*[310] * 20, *[100] * SAMPLE, window_after=15).changed()


def test_a_change_takes_some_steps_to_be_one() -> None:
    assert not pace_after(*[100] * 20, *[310] * 4, window_after=15).changed()
    assert not pace_after(*[100] * 40, 900, *[100] * 4, window_after=15).changed(), "one slow step"


def test_steps_of_all_lengths_are_no_change() -> None:
    varied = [100 + step * 7 % 11 * 40 for step in range(80)]
    assert not any(pace_after(*varied[:count], window_after=12).changed() for count in range(30, 80))


def test_a_small_change_is_none() -> None:
    assert not pace_after(*[100] * 20, *[115] * 30, window_after=15).changed()


def test_early_windows_are_measured_by_the_steps_after_them() -> None:
    early = [100, *[100] * MIN_SAMPLE]
    assert not pace_after(*early, *[100] * 30, window_after=1).changed()
    assert pace_after(*early, *[300] * 30, window_after=1).changed()


def test_before_any_window_nothing_has_changed() -> None:
    assert not pace_after(*[100] * 20, *[300] * 30, window_after=99).changed()
