"""A first look at what runs write and share, and the experiments that follow from it."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.process.harness import TARGETS
from tests.process.launching import PROGRAM, Outcome, eventually, run, session_folder, start
from tests.process.test_experiment import definition, processes_of

WORDS = ("--no-certificate", "--repeat", "1", "--steps", "30", "--variant", "A=", "--variant", "B=")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working folder with a script and a user's own files."""
    shutil.copy(TARGETS / "side_effects.py", tmp_path / "train.py")
    (tmp_path / "model.pt").write_text("the user's weights")
    (tmp_path / "log.csv").write_text("the user's log\n")
    return tmp_path


def experiment(folder: Path, effects: str, *options: str, **variables: str) -> Outcome:
    words = (*PROGRAM, "experiment", *options, *WORDS, "train.py")
    return run(words, folder, b"", SIDE_EFFECTS=effects, **variables)


def users_files(folder: Path) -> list[str]:
    return [(folder / name).read_text() for name in ("model.pt", "log.csv")]


UNCHANGED = ["the user's weights", "the user's log\n"]


def test_runs_without_side_effects_are_in_lockstep_and_in_place(folder: Path) -> None:
    outcome = experiment(folder, "")
    assert outcome.exit_code == 0, outcome.stderr
    found = definition(folder)
    assert (found["lockstep"], found["scratch"], found["order_reason"]) == (True, False, "")
    assert [entry["state"] != "failed" for entry in found["runs"]] == [True, True]


def test_nothing_is_overwritten_without_being_asked_for(folder: Path) -> None:
    """The first look runs in a copy; the checkpoint is written by C++, the log by Python."""
    refused = experiment(folder, "checkpoint,log")
    assert refused.exit_code == 2
    name = session_folder(folder).name
    assert b"Each run writes log.csv, model.pt in " in refused.stderr
    assert f"experiment --resume {name} --in-place, or --scratch".encode() in refused.stderr
    assert users_files(folder) == UNCHANGED

    copied = run((*PROGRAM, "experiment", "--resume", name, "--scratch"), folder, SIDE_EFFECTS="checkpoint,log")
    assert copied.exit_code == 0, copied.stderr
    assert users_files(folder) == UNCHANGED
    assert definition(folder)["lockstep"], "each has its own files"
    assert not list(session_folder(folder).glob("scratch-*"))
    # The script is shown from where the user has it.
    kept = session_folder(folder) / definition(folder)["runs"][0]["folder"]
    assert json.loads((kept / "session.json").read_text())["working_directory"] == str(folder)


def test_in_place_is_as_it_would_be_without_us(folder: Path) -> None:
    outcome = experiment(folder, "log", "--in-place")
    assert outcome.exit_code == 0, outcome.stderr
    assert b"in turn: the runs write log.csv" in outcome.stderr
    assert b"in turn, not in lockstep: the runs write log.csv" in outcome.stdout
    assert (folder / "log.csv").read_text().startswith("the user's log\n0,")


def test_what_runs_cannot_share_puts_them_in_turn(folder: Path) -> None:
    outcome = experiment(folder, "port,helper,timeout")
    assert outcome.exit_code == 0, outcome.stderr
    found = definition(folder)
    assert found["lockstep"] is False
    assert "a run opens port " in found["order_reason"]
    assert "a DataLoader has a timeout (1 min 40 s)" in found["order_reason"]
    assert "sleep runs in a process group of its own" in found["order_reason"]


def test_files_outside_of_the_folder_are_not_protected_by_a_copy(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    outcome = experiment(folder, "outside", "--scratch", OUTSIDE=str(outside))
    assert outcome.exit_code == 2
    assert f"Each run writes {outside}/model.pt, which is outside of {folder}".encode() in outcome.stderr
    assert not definition(folder)["runs"]


def test_no_copy_is_left_when_the_experiment_is_killed(folder: Path) -> None:
    words = (
        "experiment",
        "--in-turn",
        "--scratch",
        "--no-certificate",
        "--repeat",
        "1",
        "--steps",
        "100000",
        "--variant",
        "A=",
    )
    process = start((*PROGRAM, *words, str(TARGETS / "experiment.py")), folder, stderr=subprocess.PIPE)
    eventually(lambda: bool(list((folder / "home").glob("*/scratch-*/train.py"))), "the copy")
    eventually(lambda: bool(processes_of(folder)), "the run in it")
    process.kill()
    process.communicate(timeout=60)
    eventually(lambda: not processes_of(folder), "the end of the run")
    eventually(lambda: not list((folder / "home").glob("*/scratch-*")), "the end of the copy")
