"""Starting on a subset of the processors."""

from __future__ import annotations

import os

from profilednn_tui.launch.affinity import on_processors


def test_a_target_is_started_on_the_processors_and_we_are_where_we_were() -> None:
    before = os.sched_getaffinity(0)
    one = min(before)
    with on_processors({one, 4_000}):
        assert os.sched_getaffinity(0) == {one}
    assert os.sched_getaffinity(0) == before
    with on_processors(()):
        assert os.sched_getaffinity(0) == before
