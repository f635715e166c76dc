"""Trials of real trainings."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.process.harness import TARGETS
from tests.process.launching import PROGRAM, run
from tests.process.test_experiment import processes_of

TRY = (*PROGRAM, "doctor", "--seconds", "1")


def copied(target: str, folder: Path) -> Path:
    return Path(shutil.copy(TARGETS / target, folder))


def test_a_trial_tells_what_longer_runs_would_do_and_leaves_nothing(tmp_path: Path) -> None:
    copied("side_effects.py", tmp_path)
    before = sorted(path.name for path in tmp_path.iterdir())

    outcome = run((*TRY, "--env", "SIDE_EFFECTS=checkpoint", "side_effects.py"), tmp_path)

    told = outcome.stdout.decode()
    assert outcome.exit_code == 0, outcome.stderr
    for subject in ("steps", "phases", "processes", "memory", "fused_optimizer", "writes", "lockstep", "verdict"):
        assert f" {subject} " in told
    assert "in the working folder: model.pt" in told
    assert "runs per side of 60 steps in turn" in told
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "home") == before
    assert not [path for path in (tmp_path / "home").iterdir() if path.is_dir()]
    assert processes_of(tmp_path) == []


def test_a_training_that_fails_is_one_sentence(tmp_path: Path) -> None:
    copied("experiment.py", tmp_path)
    outcome = run((*TRY, "--env", "FAIL=3", "experiment.py"), tmp_path)
    assert outcome.exit_code == 2
    assert outcome.stdout == b""
    assert b"The baseline training failed: exit code 1: ValueError: told to fail" in outcome.stderr
    assert b"its output" not in outcome.stderr, "it is removed"
    assert not [path for path in (tmp_path / "home").iterdir() if path.is_dir()]


def test_a_number_is_a_process_and_a_wrong_script_is_told(tmp_path: Path) -> None:
    assert b"There is no process 0" in run((*PROGRAM, "doctor", "0"), tmp_path).stderr
    outcome = run((*TRY, "missing.py"), tmp_path)
    assert outcome.exit_code == 2
    assert b"missing.py" in outcome.stderr


@pytest.mark.parametrize("command", ["doctor", "run", "experiment", "gate"])
def test_a_module_without_a_name_is_one_sentence(command: str, tmp_path: Path) -> None:
    """Found by trying as a new user: IndexError."""
    outcome = run((*PROGRAM, command, "-m"), tmp_path)
    assert outcome.exit_code == 2
    assert b"Nothing to run. Name a SCRIPT" in outcome.stderr


def test_our_options_behind_the_script_are_named(tmp_path: Path) -> None:
    outcome = run((*PROGRAM, "doctor", "missing.py", "--in-place"), tmp_path)
    assert b"--in-place stands behind missing.py and so belongs to it" in outcome.stderr
