"""Experiments whose variants run at the same time and take their steps in turn."""

from __future__ import annotations

import json
import signal
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from tests.process.harness import TARGETS
from tests.process.launching import PROGRAM, eventually, run, session_folder, start
from tests.process.test_experiment import definition, processes_of

SCRIPT = str(TARGETS / "experiment.py")
EXPERIMENT = (*PROGRAM, "experiment", "--lockstep", "--in-place", "--no-certificate")
LOCKSTEP = (*EXPERIMENT, "--variant", "A=", "--variant", "B=WORK=12", "--env", "WORK=10")


class Step(NamedTuple):
    begin_ns: int
    end_ns: int
    variant: str


def events(folder: Path) -> list[dict[str, Any]]:
    (recording,) = folder.glob("agent-*.jsonl")
    return [json.loads(line) for line in recording.read_bytes().splitlines() if line]


def steps(folder: Path, variant: str) -> list[Step]:
    rows = [row for event in events(folder) if event["event"] == "steps" for row in event["rows"]]
    return [Step(row[0] - row[1], row[0], variant) for row in rows]


def test_one_variant_trains_while_the_other_stands_still(tmp_path: Path) -> None:
    words = ("--repeat", "1", "--steps", "40", "--to", "json", SCRIPT)
    outcome = run((*LOCKSTEP, *words), tmp_path)
    assert outcome.exit_code == 0, outcome.stderr
    found = json.loads(outcome.stdout)
    assert (found["losses"]["agreement"], found["losses"]["largest"]) == ("same", 0.0)
    experiment = session_folder(tmp_path)
    sides = [steps(experiment / entry["folder"], entry["variant"]) for entry in definition(tmp_path)["runs"]]
    assert [len(side) for side in sides] == [40, 40]
    # Each variant takes its first step while the other is still starting.
    together = sorted([*sides[0][1:], *sides[1][1:]])
    overlap_ns = sum(max(0, before.end_ns - after.begin_ns) for before, after in pairwise(together))
    # The two clocks of a process are read one after the other, usually microseconds apart.
    assert overlap_ns <= 0.01 * (together[-1].end_ns - together[0].begin_ns)
    changes = sum(before.variant != after.variant for before, after in pairwise(together))
    assert changes >= 8
    assert all(path.is_file() or path.is_dir() for path in experiment.rglob("*"))  # no pipe that would block a reader


def test_standing_still_is_in_no_figure(tmp_path: Path) -> None:
    """Stopped time counts neither towards a step nor towards the overhead."""
    outcome = run((*LOCKSTEP, "--repeat", "1", "--steps", "120", SCRIPT), tmp_path)
    assert outcome.exit_code == 0, outcome.stderr
    for entry in definition(tmp_path)["runs"]:
        folder = session_folder(tmp_path) / entry["folder"]
        made = steps(folder, entry["variant"])
        (*_, status) = (event for event in events(folder) if event["event"] == "status")
        stood_ns = made[-1].end_ns - made[0].begin_ns - sum(step.end_ns - step.begin_ns for step in made)
        assert stood_ns > 0
        assert status["elapsed_ns"] < made[-1].end_ns - made[0].begin_ns - stood_ns / 2


def test_ctrl_c_ends_all_of_a_block(tmp_path: Path) -> None:
    words = ("--env", "CHILD=1", "--repeat", "1", "--steps", "100000", SCRIPT)
    process = start((*LOCKSTEP, *words), tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    eventually(lambda: len(processes_of(tmp_path)) >= 4, "two targets and their children")
    eventually(lambda: len(list((tmp_path / "home").glob("*/*/turn-ended"))) == 2, "turns")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert processes_of(tmp_path) == []
    assert not definition(tmp_path)["runs"]


def test_who_is_told_to_end_may_make_more_steps_first(tmp_path: Path) -> None:
    words = ("--env", "LAST_STEPS=10", "--repeat", "1", "--steps", "100000", SCRIPT)
    process = start((*LOCKSTEP, *words), tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    home = tmp_path / "home"
    eventually(lambda: sum('"steps"' in path.read_text() for path in home.glob("*/*/agent-*")) == 2, "steps of both")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert len(list(tmp_path.glob("last-words-*"))) == 2


def test_nothing_stands_still_for_ever_when_the_experiment_is_killed(tmp_path: Path) -> None:
    words = ("--repeat", "1", "--steps", "100000", SCRIPT)
    process = start((*LOCKSTEP, *words), tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    home = tmp_path / "home"
    eventually(lambda: sum('"steps"' in path.read_text() for path in home.glob("*/*/agent-*")) == 2, "steps of both")
    process.kill()
    process.communicate(timeout=60)
    eventually(lambda: processes_of(tmp_path) == [], "the end of both targets")


def test_a_variant_that_fails_does_not_hold_up_the_other(tmp_path: Path) -> None:
    words = ("--variant", "A=", "--variant", "B=FAIL=20", "--repeat", "2", "--steps", "40", SCRIPT)
    outcome = run((*EXPERIMENT, *words), tmp_path)
    states = [(entry["variant"], entry["state"]) for entry in definition(tmp_path)["runs"]]
    assert ("B", "failed") in states
    assert len([variant for variant, state in states if variant == "A" and state != "failed"]) >= 2
    assert b"no finished run of B" in outcome.stdout
    assert b"Traceback" not in outcome.stderr


def test_a_distributed_training_is_refused_with_the_reason(tmp_path: Path) -> None:
    """Its ranks wait for each other: stopping one between two steps stops the others in the middle of one."""
    outcome = run((*LOCKSTEP, "--env", "WORLD_SIZE=2", "--repeat", "1", "--steps", "20", SCRIPT), tmp_path)
    assert outcome.exit_code == 2
    assert b"in lockstep, one process of a target has to train" in outcome.stderr
