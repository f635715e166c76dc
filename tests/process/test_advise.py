"""Remedies that are really tried."""

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

RULE = "optimizer-unfused"
INCONCLUSIVE = ("Try again when the machine is quiet", "Time was up after")
"""On a machine with much other load."""


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """A folder with a training that writes a file, and its session."""
    shutil.copy(TARGETS / "unfused.py", tmp_path / "train.py")
    outcome = run((*PROGRAM, "run", "--headless", "--env", "LOG=1", "--name", "mine", "train.py"), tmp_path)
    assert outcome.exit_code == 0, outcome.stderr
    return tmp_path


def folders(folder: Path) -> list[str]:
    return sorted(path.name.split("-", 2)[2] for path in (folder / "home").iterdir() if path.is_dir())


def test_a_remedy_is_tried_and_the_ledger_knows_it(recorded: Path) -> None:
    before = (recorded / "losses.csv").read_text()
    outcome = run((*PROGRAM, "advise", "mine", "--try", RULE, "--minutes", "1.5", "--to", "json"), recorded)
    told = outcome.stderr.decode()
    assert "Runs are made in copies of the folder, without and with the remedy in lockstep." in told
    assert "Run 2, --with fused_optimizer: median step " in told
    assert (recorded / "losses.csv").read_text() == before, "nothing is overwritten"
    assert not list((recorded / "home").glob("*/scratch-*"))
    assert processes_of(recorded) == []
    if outcome.exit_code == 2 and any(sentence in told for sentence in INCONCLUSIVE):
        assert folders(recorded) == ["mine"]
        pytest.skip("the machine is too busy to conclude anything")
    assert outcome.exit_code in (0, 2), told
    assert folders(recorded) == ["mine", f"try-{RULE}"]
    (finding,) = (one for one in json.loads(outcome.stdout)["findings"] if one["rule"] == RULE)
    measured = finding["measured"]
    assert measured["low"] <= measured["gain"] <= measured["high"]
    assert measured["runs"] >= 4
    assert measured["order"] == "lockstep"
    assert measured["losses"] in ("the same", "within numerical noise")
    ledger = run((*PROGRAM, "advise", "--ledger", "--json"), recorded)
    assert json.loads(ledger.stdout)["rules"][0]["tries"][0]["gain"] == measured["gain"]
    again = [run((*PROGRAM, "advise", "mine"), recorded) for _ in range(2)]
    assert again[0].stdout == again[1].stdout
    assert b"   measured: " in again[0].stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_try_that_is_stopped_leaves_nothing(recorded: Path, number: signal.Signals) -> None:
    process = start(
        (*PROGRAM, "advise", "mine", "--try", RULE), recorded, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    eventually(lambda: bool(processes_of(recorded)), "the first look")
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout) == (128 + number, b"")
    assert b"nothing was kept" in stderr
    assert processes_of(recorded) == []
    assert folders(recorded) == ["mine"]
    assert not (recorded / "home" / "ledger.json").exists()


def test_a_training_that_fails_with_its_remedy_is_one_sentence(recorded: Path) -> None:
    script = recorded / "train.py"
    script.write_text('import os\nassert "PROFILEDNN_WITH" not in os.environ, "told to fail"\n' + script.read_text())
    outcome = run((*PROGRAM, "advise", "mine", "--try", RULE), recorded)
    assert outcome.exit_code == 2
    assert (
        b"With --with fused_optimizer, the training fails: exit code 1: AssertionError: told to fail" in outcome.stderr
    )
    assert b"The script has changed since the session." in outcome.stderr
    assert b"its output" not in outcome.stderr, "it is removed"
    assert folders(recorded) == ["mine"]
