"""Experiments with real targets."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import psutil

from tests.process.harness import TARGETS
from tests.process.launching import PROGRAM, eventually, run, session_folder, start

SCRIPT = str(TARGETS / "experiment.py")
EXPERIMENT = (*PROGRAM, "experiment", "--in-turn", "--in-place", "--no-certificate")


def definition(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((session_folder(folder) / "experiment.json").read_text())
    return found


def processes_of(folder: Path) -> list[int]:
    """The processes started for a session below the folder, whatever became of their parents."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("PROFILEDNN_SESSION", "").startswith(str(folder)):
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


def test_variants_run_in_turn_with_the_same_random_numbers(tmp_path: Path) -> None:
    words = (
        "--variant",
        "stock=",
        "--variant",
        "slow=WORK=3",
        "--repeat",
        "2",
        "--steps",
        "40",
        "--to",
        "json",
        SCRIPT,
    )
    outcome = run((*EXPERIMENT, *words), tmp_path)
    assert outcome.exit_code == 0, outcome.stderr
    found = json.loads(outcome.stdout)
    # The data come from the random generators of Python, NumPy and torch: equal losses mean equal random numbers.
    assert (found["losses"]["agreement"], found["losses"]["largest"]) == ("same", 0.0)
    assert found["losses"]["steps"] == 40
    assert found["step_time"]["ratio"] > 1
    folder = session_folder(tmp_path)
    blocks = list(dict.fromkeys((entry["variant"], entry["block"]) for entry in definition(tmp_path)["runs"]))
    assert blocks == [("stock", 0), ("slow", 0), ("slow", 1), ("stock", 1)]
    modes = {path.stat().st_mode & 0o777 for path in folder.rglob("*") if path.is_file()}
    assert (folder.stat().st_mode & 0o777, modes) == (0o700, {0o600})
    assert all((path.stat().st_mode & 0o777) == 0o700 for path in folder.iterdir() if path.is_dir())


def test_ctrl_c_keeps_what_is_finished_and_leaves_no_process(tmp_path: Path) -> None:
    """The target has a child process, which must not survive either."""
    words = ("--variant", "B=CHILD=1", "--env", "CHILD=1", "--repeat", "1", "--steps", "30", SCRIPT)
    process = start((*EXPERIMENT, *words), tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    eventually(lambda: bool(list((tmp_path / "home").glob("*/experiment.json"))), "the experiment")
    eventually(lambda: bool(definition(tmp_path)["runs"]), "the first run")
    eventually(lambda: len(processes_of(tmp_path)) >= 2, "the second target and its child")
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    name = session_folder(tmp_path).name
    assert f"--resume {name}".encode() in stderr
    assert processes_of(tmp_path) == []
    kept = [entry["folder"] for entry in definition(tmp_path)["runs"]]
    assert kept
    assert run((*PROGRAM, "open", str(session_folder(tmp_path) / kept[0])), tmp_path).exit_code == 0
    resumed = run((*PROGRAM, "experiment", "--resume", name), tmp_path)
    assert resumed.exit_code == 0, resumed.stderr
    assert b"B against stock" in resumed.stdout
    assert [entry["folder"] for entry in definition(tmp_path)["runs"]][: len(kept)] == kept
    assert {entry["variant"] for entry in definition(tmp_path)["runs"]} == {"stock", "B"}
    assert processes_of(tmp_path) == []


def test_what_fails_is_told_with_its_last_words(tmp_path: Path) -> None:
    words = ("--variant", "B=WORK=2", "--env", "FAIL=3", "--steps", "30", SCRIPT)
    outcome = run((*EXPERIMENT, *words), tmp_path)
    assert outcome.exit_code == 2
    assert b"The baseline stock failed: exit code 1: ValueError: told to fail (its output: " in outcome.stderr
    assert b"Traceback" not in outcome.stderr
