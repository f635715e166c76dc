"""Memory samples."""

from __future__ import annotations

from dataclasses import replace

from profilednn_tui.session.model.memory import MemorySeries
from profilednn_tui.session.view import Stepping
from tests.unit.session import recordings as r


def series(*samples: tuple[int, float, float, float]) -> MemorySeries:
    """Of samples with time, page faults per second, and percent in user mode and in the kernel."""
    memory = MemorySeries()
    for unix_ns, faults, user, system in samples:
        memory.add(
            replace(r.memory(), unix_ns=unix_ns, minor_faults_per_s=faults, user_percent=user, system_percent=system)
        )
    return memory


def test_what_steps_cost_is_told_by_samples_taken_while_they_ran() -> None:
    """A program ended within the last second: the newest sample had a seventh of the page faults."""
    memory = series((1, 59_000.0, 86.0, 15.0), (2, 6e5, 80.0, 117.0), (3, 7e5, 76.0, 120.0), (9, 9e4, 98.0, 16.0))
    view = memory.view(step_ends_unix_ns=(1, 2, 3, 4))
    assert view.stepping == Stepping(6.5e5, 78.0, 118.5)
    assert view.minor_faults_per_s == 9e4, "the newest, for the pane"


def test_without_a_sample_while_steps_ran_nothing_is_told() -> None:
    assert series((1, 1.0, 2.0, 3.0)).view(()).stepping is None
    assert series((1, 1.0, 2.0, 3.0)).view((5, 6)).stepping is None


def test_the_samples_of_the_history_have_their_times() -> None:
    view = series((1, 1.0, 2.0, 3.0), (2, 1.0, 2.0, 3.0)).view(())
    assert view.history_unix_ns == (1, 2)
    assert len(view.rss_history) == len(view.faults_history) == 2
