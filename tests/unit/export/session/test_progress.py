"""The lines that a run without a screen prints while it runs."""

from __future__ import annotations

from dataclasses import replace

from profilednn_tui.export.session.facts import remaining_fact
from profilednn_tui.export.session.progress import ProgressLines
from profilednn_tui.session.view import Remaining, SessionView, Steps, Target

HOUR_S = 3600.0
SOURCE = "for epoch in range(20), train.py:40"


def view(elapsed_s: float, left_s: float | None) -> SessionView:
    """A training that began at second 1000."""
    remaining = Remaining(reason="nothing has told")
    if left_s is not None:
        remaining = Remaining(left_s, left_s * 0.95, left_s * 1.05, 20, 4_000, SOURCE)
    target = Target("train.py", start_unix_ns=10**12)
    return SessionView(
        target=target, remaining=remaining, steps=Steps(count=1200), unix_ns=int((1000 + elapsed_s) * 1e9), live=True
    )


def test_a_line_comes_as_soon_as_the_time_is_known_and_then_with_each_tenth() -> None:
    lines = ProgressLines()
    said = []
    for elapsed_s in range(0, int(HOUR_S), 10):
        line = lines.line(view(elapsed_s, HOUR_S - elapsed_s if elapsed_s > 400 else None))
        said += [elapsed_s] if line else []
    assert said == list(range(410, 3600, 360))


def test_a_line_has_the_step_and_the_interval() -> None:
    assert ProgressLines().line(view(600, 2345.0)) == "step 1,200 of 4,000, 37 to 41 min left"


def test_a_run_of_a_minute_has_none() -> None:
    lines = ProgressLines()
    assert [lines.line(view(elapsed_s, 60.0 - elapsed_s)) for elapsed_s in range(10, 60, 10)] == [None] * 5


def test_the_fact_names_what_tells_the_length_or_why_nothing_does() -> None:
    known = view(600, 2345.0)
    assert remaining_fact(known) == f"37 to 41 min left of 20 epochs ({SOURCE})"
    by_steps = replace(known, remaining=replace(known.remaining, epochs=None, source="--steps 4000"))
    assert remaining_fact(by_steps) == "37 to 41 min left of 4,000 steps (--steps 4000)"
    assert remaining_fact(view(600, None)) == "unknown: nothing has told"
    assert remaining_fact(SessionView()) == ""
