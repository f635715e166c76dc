"""A grid of a distributed training, planned from end to end."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.process.launching import PROGRAM, ROOT, run

TRAINING = str(ROOT / "benchmarks" / "planned.py")


def test_the_cells_of_a_grid_are_points_of_a_plan(tmp_path: Path) -> None:
    launcher = (sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "1", TRAINING, "--batch", "{batch}")
    grid = ("--grid", "ranks=1,2", "threads=1", "batch=2,6", "--repeat", "1", "--steps", "12", "--in-place")
    outcome = run((*PROGRAM, "experiment", *grid, "--name", "grid", "--", *launcher), tmp_path)
    assert outcome.exit_code == 0, outcome.stderr
    outcome = run((*PROGRAM, "plan", "grid", "--batches", "2,4,6", "--samples", "1000", "--json"), tmp_path)
    if b"disturbed" in outcome.stdout + outcome.stderr:  # by the tests beside this one
        return
    assert outcome.exit_code == 0, outcome.stderr
    found = json.loads(outcome.stdout)
    known = {(one["ranks"], one["batch"]): one for one in found["settings"] if one["ranks"] < 4}
    assert {pair: one["known"] for pair, one in known.items()} == {
        (1, 2): "measured", (1, 4): "predicted", (1, 6): "measured",
        (2, 2): "measured", (2, 4): "predicted", (2, 6): "measured",
    }  # fmt: skip
    assert all(one["memory_per_rank_bytes"]["value"] > 100e6 for one in known.values())
    assert known[1, 4]["epoch_s"]["value"] == pytest.approx(1000 / known[1, 4]["samples_per_s"]["value"])
    assert found["best"] is not None
