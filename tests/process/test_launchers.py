"""Under each launcher, the ranks, their steps and their lives are right."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path

import pytest

from profilednn_tui.advise.advisor import advise
from profilednn_tui.ranks.account import ranks_of
from tests.process.ranks import LAUNCHED, STEPS, TORCHRUN, Launched, as_root, launched, stand_in

TWO_RANKS = [(0, 1, STEPS), (1, 1, STEPS)]


def needs(package: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(importlib.util.find_spec(package) is None, reason=f"{package} is not installed")


def assert_two_ranks(seen: Launched) -> None:
    """Both trained to the end, in one process group."""
    assert seen.outcome.exit_code == 0, seen.outcome.stderr.decode()[-3_000:]
    assert seen.ranks == TWO_RANKS
    assert [row.rank for row in ranks_of(seen.view.ranks).rows] == [0, 1]
    assert [entry.world_size for entry in seen.trained] == [2, 2]
    (life,) = seen.lives
    assert (life.world_size, life.first) == (2, ())
    rules = {finding.rule for finding in advise(seen.view).findings}
    assert rules.isdisjoint({"silent-rank", "missing-ranks", "unequal-batches"})


def test_torchrun(tmp_path: Path) -> None:
    torchrun = Path(sys.executable).with_name("torchrun")
    assert_two_ranks(
        launched(tmp_path, str(torchrun), "--standalone", "--nproc-per-node", "2", LAUNCHED, "env", STORE="")
    )


def test_a_restart_by_the_module_of_torchrun(tmp_path: Path) -> None:
    """The ranks meet in a file: in torchrun's own store, those of a second life may find addresses of the first one."""
    seen = launched(tmp_path, *TORCHRUN, "--max-restarts", "1", LAUNCHED, "env", "once")
    assert seen.outcome.exit_code == 0, seen.outcome.stderr.decode()[-3_000:]
    assert [(rank, life) for rank, life, _ in seen.ranks] == [(0, 1), (1, 1), (0, 2), (1, 2)]
    assert [steps for _, life, steps in seen.ranks if life == 2] == [STEPS, STEPS]
    first, second = seen.lives
    assert [(death.rank, death.end.error) for death in first.first] == [(1, "RuntimeError: out of luck")]
    assert second.first == ()


def test_processes_that_the_program_spawns(tmp_path: Path) -> None:
    assert_two_ranks(launched(tmp_path, sys.executable, LAUNCHED, "spawn"))


@needs("lightning")
def test_lightning(tmp_path: Path) -> None:
    assert_two_ranks(launched(tmp_path, sys.executable, LAUNCHED, "lightning"))


@needs("transformers")
def test_the_trainer_of_transformers(tmp_path: Path) -> None:
    assert_two_ranks(launched(tmp_path, *TORCHRUN, LAUNCHED, "trainer"))


@needs("accelerate")
def test_accelerate_under_torchrun(tmp_path: Path) -> None:
    assert_two_ranks(launched(tmp_path, *TORCHRUN, LAUNCHED, "accelerate"))


@needs("accelerate")
def test_accelerate_alone_starts_one_process_of_two(tmp_path: Path) -> None:
    """accelerate #2741."""
    words = ("-m", "accelerate.commands.launch", "--num_processes", "2", "--cpu", LAUNCHED, "accelerate")
    seen = launched(tmp_path, sys.executable, *words)
    assert seen.ranks == [(None, 1, STEPS)]
    missing = [finding for finding in advise(seen.view).findings if finding.rule == "missing-ranks"]
    assert [finding.sentence for finding in missing] == [
        "2 processes were asked for, but 1 trains here, in no process group"
    ]


@pytest.mark.skipif(shutil.which("mpirun") is None, reason="there is no mpirun")
def test_mpirun(tmp_path: Path) -> None:
    words = ("mpirun", *as_root(), "--oversubscribe", "-np", "2", sys.executable, LAUNCHED, "mpi")
    assert_two_ranks(launched(tmp_path, *words))


def test_a_launcher_with_the_variables_of_mpirun(tmp_path: Path) -> None:
    mpirun = stand_in(tmp_path, "mpirun", "OMPI_COMM_WORLD_RANK", OMPI_COMM_WORLD_SIZE="2")
    assert_two_ranks(launched(tmp_path, mpirun, sys.executable, LAUNCHED, "mpi"))


def test_a_launcher_with_the_variables_of_srun(tmp_path: Path) -> None:
    srun = stand_in(tmp_path, "srun", "SLURM_PROCID", SLURM_NTASKS="2", SLURM_STEP_NUM_TASKS="2")
    assert_two_ranks(launched(tmp_path, srun, sys.executable, LAUNCHED, "slurm"))


def test_ranks_that_never_join_each_other_are_silent(tmp_path: Path) -> None:
    """transformers #17581."""
    srun = stand_in(tmp_path, "srun", "SLURM_PROCID", SLURM_STEP_NUM_TASKS="2")
    seen = launched(tmp_path, srun, sys.executable, LAUNCHED, "alone")
    assert seen.ranks == TWO_RANKS
    silent = [finding.sentence for finding in advise(seen.view).findings if finding.rule == "silent-rank"]
    assert silent == ["None of the 2 ranks has exchanged anything in 40 steps: each trains a model of its own"]


def test_a_training_that_goes_on_with_fewer_ranks(tmp_path: Path) -> None:
    """As an elastic one does that has lost a machine."""
    train = f"{sys.executable} {LAUNCHED} env"
    two = f"export WORLD_SIZE=2; RANK=0 {train} & RANK=1 {train}; wait"
    one = f"rm -f $STORE.0; export WORLD_SIZE=1; RANK=0 {train}"
    seen = launched(tmp_path, "sh", "-c", f"{two}; {one}")
    assert seen.ranks == [(0, 1, STEPS), (1, 1, STEPS), (0, 2, STEPS)]
    assert [life.world_size for life in seen.lives] == [2, 1]
