"""The number of workers for a DataLoader without any."""

from __future__ import annotations

import pytest

from profilednn_tui.agent.optimizations._fetching import enough_workers


@pytest.mark.parametrize(
    ("fetching_ms", "training_ms", "cores", "workers"),
    [
        (23.0, 7.5, 2, 2),  # seen: one worker beside two threads was slower than none, two were not
        (23.0, 7.5, 8, 4),
        (3.0, 30.0, 8, 1),
        (30.0, 0.0, 4, 4),
        (5.0, 5.0, 1, 1),
    ],
)
def test_workers_keep_up_with_training_as_far_as_cores_allow(
    fetching_ms: float, training_ms: float, cores: int, workers: int
) -> None:
    assert enough_workers(fetching_ms * 1e6, training_ms * 1e6, cores) == workers
