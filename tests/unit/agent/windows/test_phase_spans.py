"""The phases of events."""

from __future__ import annotations

import pytest

from profilednn_tui.agent.windows.phase_spans import NO_SPANS, UNKNOWN, PhaseSpans

SPANS = PhaseSpans([0, 5, 10, 30, 40], [-1, -1, 0, 1, 4], offset_ns=100)
"""Ours up to 105, then data, forward up to 130 and optimizer up to 140."""


def test_the_step_begins_where_our_own_work_ends() -> None:
    assert (SPANS.began_ns, SPANS.ended_ns) == (105, 140)
    assert (NO_SPANS.began_ns, NO_SPANS.ended_ns) == (0, 0)


@pytest.mark.parametrize(
    ("began_ns", "ended_ns", "phase", "whole"),
    [
        (111, 129, 1, True),
        (110, 130, 1, True),
        (105, 110, 0, True),
        (128, 141, 4, False),
        (104, 112, 0, False),
        (106, 138, 1, False),
        (200, 210, UNKNOWN, False),
    ],
)
def test_an_event_has_the_phase_of_its_middle(began_ns: int, ended_ns: int, phase: int, whole: bool) -> None:
    assert SPANS.phase(began_ns, ended_ns) == (phase, whole)


def test_without_phases_none_is_known() -> None:
    assert NO_SPANS.phase(1, 2) == (UNKNOWN, False)
