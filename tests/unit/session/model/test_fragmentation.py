"""Short calls, and gaps between calls, of each phase."""

from __future__ import annotations

import pytest

from profilednn_tui.session.model.fragmentation import fragmentation
from tests.unit.timeline.traces import BACKWARD, FORWARD, trace

US = 1_000


def test_short_calls_and_gaps_of_each_phase() -> None:
    there = trace(
        [
            ("aten::mm", 10 * US, 40 * US),
            ("aten::add", 12 * US, 13 * US),  # inside of the first one
            ("aten::relu", 45 * US, 50 * US),
            ("aten::mm_backward", 100 * US, 180 * US),
        ],
        [(0, -1), (100 * US, FORWARD), (200 * US, BACKWARD)],
    )
    forward, backward = fragmentation([there])

    assert (forward.phase, forward.calls, forward.short_calls) == ("forward", 2, 1)
    assert forward.short_calls_share == pytest.approx(0.05)
    assert (forward.gaps, forward.short_gaps) == (3, 1)
    assert forward.gaps_share == pytest.approx(0.65)
    assert (backward.calls, backward.short_calls, backward.gaps) == (1, 0, 1)
    assert backward.gaps_share == pytest.approx(0.2)


def test_a_gap_that_lasts_into_the_next_phase_is_divided() -> None:
    there = trace([("aten::mm", 0, 10 * US)], [(0, -1), (50 * US, FORWARD), (100 * US, BACKWARD)])
    forward, backward = fragmentation([there])

    assert (forward.gaps, backward.gaps) == (1, 1)
    assert [forward.gaps_share, backward.gaps_share] == pytest.approx([0.8, 1.0])


def test_neighbouring_spans_of_one_phase_do_not_divide_a_gap() -> None:
    there = trace([("aten::mm", 0, 10 * US)], [(0, -1), (50 * US, FORWARD), (100 * US, FORWARD)])

    assert fragmentation([there])[0].gaps == 1


def test_the_median_over_windows_without_incomplete_ones() -> None:
    windows = [trace([("aten::mm", 0, end * US)], [(0, -1), (100 * US, FORWARD)]) for end in (5, 20, 60)]
    cut = trace([("aten::mm", 0, 90 * US)], [(0, -1), (100 * US, FORWARD)], complete=False)
    found = fragmentation([*windows, cut])[0]

    assert found.short_calls == 0
    assert found.gaps_share == pytest.approx(0.8)
    assert fragmentation([cut]) == ()
