"""Where an axis ends."""

from __future__ import annotations

from profilednn_tui.tui.renderables.scale import ceiling_for, nice_ceiling


def test_axes_end_at_round_numbers_and_ignore_far_outliers() -> None:
    assert nice_ceiling(31.2) == 40
    assert nice_ceiling(0.0) == 1
    assert nice_ceiling(100.0) == 100
    assert ceiling_for([10.0] * 99 + [900.0]) == 20
    assert ceiling_for([900.0] * 4 + [10.0] * 36) == 20
    assert ceiling_for([10.0, 30.0] * 20) == 40
    assert ceiling_for([]) == 1
