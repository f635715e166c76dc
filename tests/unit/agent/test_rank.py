"""The rank in the variables of launchers."""

from __future__ import annotations

import pytest

from profilednn_tui.agent.rank import rank_from_variables


@pytest.mark.parametrize(
    ("variables", "known"),
    [
        ({}, (None, None)),
        ({"RANK": "1", "WORLD_SIZE": "4"}, (1, 4)),
        ({"WORLD_SIZE": "2"}, (None, 2)),
        ({"OMPI_COMM_WORLD_RANK": "3", "OMPI_COMM_WORLD_SIZE": "4"}, (3, 4)),
        ({"PMI_RANK": "0", "PMI_SIZE": "2"}, (0, 2)),
        ({"SLURM_PROCID": "1", "SLURM_STEP_NUM_TASKS": "2"}, (1, 2)),
        ({"SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "1"}, (None, None)),
        ({"SLURM_PROCID": "0", "SLURM_NTASKS": "8"}, (None, None)),
        ({"RANK": "5", "WORLD_SIZE": "8", "SLURM_PROCID": "1", "SLURM_STEP_NUM_TASKS": "2"}, (5, 8)),
        ({"RANK": "one"}, (None, None)),
    ],
)
def test_the_rank_is_that_of_the_innermost_launcher(
    variables: dict[str, str], known: tuple[int | None, int | None]
) -> None:
    """A single task, or a batch script with a request of its own, has started no ranks."""
    assert rank_from_variables(variables) == known
