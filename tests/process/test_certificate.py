"""Certificates of real trainings: each change is told as what it is, and recording changes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from profilednn_tui.compare.certificate import Certificate, certificate
from profilednn_tui.compare.runs import Run, read_run
from profilednn_tui.session.open_session import open_session
from profilednn_tui.session.storage.folder import SessionFile
from tests.process import harness
from tests.process.harness import TARGETS
from tests.process.launching import PROGRAM, run, session_folder

SCRIPT = str(TARGETS / "certificate.py")
STEPS = 12


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Run]:
    """Runs of the target, each made once."""
    made: dict[tuple[str, ...], Run] = {}

    def record(model: str, case: str = "", optimization: str = "") -> Run:
        key = model, case, optimization
        if key not in made:
            folder = tmp_path_factory.mktemp("session")
            SessionFile("-".join(key), [SCRIPT, model], str(TARGETS), harness.TARGET_PYTHON, 1, 1).save(folder)
            variables = {"CASE": case, "PROFILEDNN_WITH": optimization, "PROFILEDNN_CERTIFICATE": "1"}
            # Windows show which precision is in use.
            variables |= {"PROFILEDNN_STEPS": str(STEPS), "PROFILEDNN_OVERHEAD": "50"}
            ended, _ = harness.watch(folder, "certificate.py", model, **variables)
            assert (ended.exit_code, ended.stderr) == (0, "")
            with open_session(folder) as session:
                made[key] = read_run(session)
        return made[key]

    return record


def against_stock(recorded: Callable[..., Run], model: str, case: str, optimization: str = "") -> Certificate:
    return certificate(recorded(model), recorded(model, case, optimization))


RATE = "the movement of every parameter is 1.0 % larger from step 1: another learning rate would do that"


@pytest.mark.parametrize(
    ("model", "case", "text"),
    [
        ("convolutions", "again", "same training for 12 steps, bit-identical"),
        ("convolutions", "bf16", "same training for 12 steps, within rounding of bfloat16"),
        ("convolutions", "rate", f"trains differently: {RATE}"),
        ("convolutions", "dropped", "trains differently: 8.bias is not updated: no optimizer has it"),
        ("convolutions", "seed", "other random numbers: not compared"),
        # Some of its gradients are nothing but rounding errors, and Adam moves those weights as far as any other.
        ("attention", "bf16", "same training for 12 steps, within rounding of bfloat16"),
        ("attention", "rate", f"trains differently: {RATE}"),
    ],
)
def test_a_change_of_a_training_is_told_as_what_it_is(
    recorded: Callable[..., Run], model: str, case: str, text: str
) -> None:
    assert against_stock(recorded, model, case).text == text


def test_another_layout_differs_by_rounding(recorded: Callable[..., Run]) -> None:
    found = against_stock(recorded, "convolutions", "", "channels_last")
    assert found.text == "same training for 12 steps, within rounding of float32"


@pytest.mark.parametrize("model", ["convolutions-sgd", "sparse", "convolutions-lbfgs"])
def test_recording_changes_no_bit(tmp_path: Path, model: str) -> None:
    plain = harness.run("certificate.py", model, STEPS="5")
    watched, (recording,) = harness.watch(tmp_path, "certificate.py", model, STEPS="5", PROFILEDNN_CERTIFICATE="1")
    assert watched == plain
    assert recording.of("agent_error") == []
    optimizers = 2 if model == "sparse" else 1
    assert len(recording.of("parameters")) == optimizers
    assert len(recording.of("learning")) == 5 * optimizers
    assert all(row[0] > 0 and row[1] > 0 for event in recording.of("learning") for row in event["rows"])


def test_an_experiment_ends_with_a_certificate(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    words = ("--variant", "rate=CASE=rate", "--repeat", "1", "--steps", "12", "--certificate", str(figures))
    outcome = run((*PROGRAM, "experiment", *words, SCRIPT, "sparse"), tmp_path)
    assert outcome.exit_code == 0, outcome.stderr
    assert b"training   trains differently: " in outcome.stdout
    (found,) = json.loads(figures.read_text())["certificates"]
    # The first optimizer ends the steps, and the last step ends before the update of the second.
    assert [len(found["losses"]), *(len(group["movements"]) for group in found["groups"])] == [12, 12, 11]
    experiment = session_folder(tmp_path)
    entries = json.loads((experiment / "experiment.json").read_text())["certificates"]
    assert [entry["variant"] for entry in entries] == ["stock", "rate"]
    assert all((experiment / entry["folder"]).is_dir() for entry in entries)


def test_a_file_that_cannot_be_written_is_rejected_before_any_run(tmp_path: Path) -> None:
    words = ("--variant", "rate=CASE=rate", "--certificate", str(tmp_path / "missing" / "figures.json"))
    outcome = run((*PROGRAM, "experiment", *words, SCRIPT, "sparse"), tmp_path)
    assert outcome.exit_code == 2
    assert b"there is no folder" in outcome.stderr
    assert not list((tmp_path / "home").glob("*"))
