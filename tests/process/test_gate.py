"""Gates between real revisions."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.process.harness import TARGETS
from tests.process.launching import PROGRAM, eventually, run, start
from tests.process.test_experiment import processes_of
from tests.unit.experiment.test_revisions import git

OPTIONS = ("--minutes", "0.01", "--steps", "30", "--no-certificate")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A commit with a training, and three times its work uncommitted; the session home lies in it."""
    script = tmp_path / "train.py"
    shutil.copy(TARGETS / "experiment.py", script)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "Train")
    script.write_text(script.read_text().replace("int(4 * work)", "int(12 * work)"))
    return tmp_path


def test_too_little_time_is_told_with_the_number_of_groups_that_is_needed(repository: Path) -> None:
    """Each version runs its own code: one group shows the difference, and does not decide."""
    outcome = run((*PROGRAM, "gate", *OPTIONS, "--to", "json", "train.py"), repository)
    assert outcome.exit_code == 2, outcome.stderr
    found = json.loads(outcome.stdout)
    assert (found["schema"], found["answer"]) == ("profilednn.gate/1", "cannot be told")
    assert b"against revision" in outcome.stderr
    if found["groups"]:  # undisturbed
        assert found["change_percent"] > 20
    assert b"cannot be told" in outcome.stderr
    assert not list((repository / "home").glob("*/scratch-*"))
    assert git(repository, "status", "--porcelain", "--untracked-files=no").split() == ["M", "train.py"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_gate_that_is_stopped_leaves_nothing(repository: Path, number: signal.Signals) -> None:
    words = (*PROGRAM, "gate", "--steps", "100000", "train.py")
    process = start(words, repository, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    eventually(lambda: bool(processes_of(repository)), "the first look")
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == (130 if number == signal.SIGINT else -number)
    eventually(lambda: not processes_of(repository), "the end of the runs")
    eventually(lambda: not list((repository / "home").glob("*/scratch-*")), "the end of the copies")
    assert git(repository, "worktree", "list").count("\n") == 1


def test_a_version_that_fails_is_told(repository: Path) -> None:
    outcome = run((*PROGRAM, "gate", *OPTIONS, "--env", "FAIL=3", "train.py"), repository)
    assert outcome.exit_code == 2
    assert b"The baseline baseline failed: exit code 1: ValueError: told to fail" in outcome.stderr
