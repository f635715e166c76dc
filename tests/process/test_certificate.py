"""Runs for a certificate: recording changes nothing, and an experiment makes them."""

from __future__ import annotations

import json
from pathlib import Path

from tests.process import harness
from tests.process.harness import TARGETS
from tests.process.launching import PROGRAM, run, session_folder

SCRIPT = str(TARGETS / "certificate.py")


def test_recording_changes_no_bit(tmp_path: Path) -> None:
    models = ("sgd", "sparse", "lbfgs")
    plain = harness.run("certificate.py", *models, STEPS="5")
    watched, (recording,) = harness.watch(tmp_path, "certificate.py", *models, STEPS="5", PROFILEDNN_CERTIFICATE="1")
    assert plain.stdout.count("\n") == len(models)
    assert watched == plain
    assert recording.of("agent_error") == []
    classes = [event["class_name"] for event in recording.of("parameters")]
    assert classes == ["SGD", "SparseAdam", "SGD", "LBFGS"]
    updates = [(event["optimizer"], event["update"]) for event in recording.of("learning")]
    assert sorted(updates) == [(optimizer, update) for optimizer in range(4) for update in range(1, 6)]
    assert all(row[0] > 0 and row[1] > 0 for event in recording.of("learning") for row in event["rows"])


def test_an_experiment_ends_with_a_certificate(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    words = ("--variant", "rate=CASE=rate", "--repeat", "1", "--steps", "12", "--certificate", str(figures))
    outcome = run((*PROGRAM, "experiment", "--in-turn", "--in-place", *words, SCRIPT, "sparse"), tmp_path)
    assert outcome.exit_code == 0, outcome.stderr
    of_all = "trains differently: the movement of group 0 is 1.0 % larger from step 1: another learning rate would do"
    assert f"training   {of_all}" in outcome.stdout.decode()
    (found,) = json.loads(figures.read_text())["certificates"]
    # The first optimizer ends the steps, and the last step ends before the update of the second.
    assert [len(found["losses"]), *(len(group["movements"]) for group in found["groups"])] == [12, 12, 11]
    experiment = session_folder(tmp_path)
    entries = json.loads((experiment / "experiment.json").read_text())["certificates"]
    assert [entry["variant"] for entry in entries] == ["stock", "rate"]
    assert all((experiment / entry["folder"]).is_dir() for entry in entries)


def test_a_file_that_cannot_be_written_is_rejected_before_any_run(tmp_path: Path) -> None:
    words = ("--variant", "rate=CASE=rate", "--certificate", str(tmp_path / "missing" / "figures.json"))
    outcome = run((*PROGRAM, "experiment", "--in-turn", "--in-place", *words, SCRIPT, "sparse"), tmp_path)
    assert outcome.exit_code == 2
    assert b"there is no folder" in outcome.stderr
    assert not list((tmp_path / "home").glob("*"))
