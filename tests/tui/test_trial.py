"""What can be tried, and what a trial answers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from profilednn_tui.session.open_session import OpenSession
from profilednn_tui.session.proof import Effect
from profilednn_tui.tui.trial import proof_in, trial_command, why_not
from tests.tui.advised import THREADS
from tests.tui.feeds import running_view

MEASURED = {
    "effect": "helped", "gain": 0.31, "low": 0.28, "high": 0.34, "order": "lockstep", "runs": 4, "losses": "the same",
}  # fmt: skip


def document(measured: object, rule: str = THREADS.rule) -> bytes:
    return json.dumps({"findings": [{"rule": "data-wait"}, {"rule": rule, "measured": measured}]}).encode()


def session(location: Path, **started: Any) -> OpenSession:
    """The parts of a session that tell whether it can be started again."""
    fields = {"attached": False, "argv": ["train.py"], "python": "/usr/bin/python3", **started}
    return cast(
        OpenSession,
        SimpleNamespace(
            foreign="", location=location, attached=fields["attached"], started=SimpleNamespace(**fields),
            view=running_view,
        ),
    )  # fmt: skip


def test_what_was_measured_is_read_from_the_advice() -> None:
    proof = proof_in(document(MEASURED), THREADS, "a-session")
    assert proof is not None
    assert (proof.rule, proof.session, proof.remedy) == (THREADS.rule, "a-session", "--with threads")
    assert (proof.effect, proof.gain, proof.low, proof.high) == (Effect.HELPED, 0.31, 0.28, 0.34)
    assert (proof.order, proof.runs, proof.losses) == ("lockstep", 4, "the same")


@pytest.mark.parametrize("answer", [
    b"", b"{}", b"[1]", b'{"findings": 3}', document(None), document({**MEASURED, "effect": "splendid"}),
    document({"effect": "helped"}), document(MEASURED, "another-rule"),
])  # fmt: skip
def test_an_answer_without_a_measurement_is_none(answer: bytes) -> None:
    assert proof_in(answer, THREADS, "a-session") is None


def test_the_command_is_that_of_the_command_line() -> None:
    assert trial_command(Path("/s/one"), "data-wait")[1:] == (
        "-m", "profilednn_tui", "advise", "/s/one", "--try", "data-wait", "--minutes", "10", "--to", "json",
    )  # fmt: skip


def test_a_note_and_a_result_that_is_not_judged_are_read_too() -> None:
    proof = proof_in(document({**MEASURED, "effect": "not judged", "note": "disturbed"}), THREADS, "a-session")
    assert proof is not None
    assert (proof.effect, proof.note) == (Effect.NOT_JUDGED, "disturbed")


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A session of one process."""
    view = replace(running_view(), processes=running_view().processes[:1])
    monkeypatch.setattr("tests.tui.test_trial.running_view", lambda: view)


@pytest.mark.usefixtures("alone")
def test_a_script_of_this_machine_can_be_tried(tmp_path: Path) -> None:
    assert why_not(session(tmp_path), THREADS) == ""
    assert why_not(session(tmp_path, python="", argv=["/usr/bin/python3", "train.py"]), THREADS) == ""


@pytest.mark.parametrize(("started", "reason"), [
    ({"attached": True}, "attached to a process that was already running"),
    ({"attached": True, "python": "", "argv": ["torchrun"]}, "attached to a process that was already running"),
    ({"argv": []}, "does not record what was started"),
    ({"argv": ["torchrun", "train.py"], "python": ""}, "torchrun starts the training by itself"),
])  # fmt: skip
@pytest.mark.usefixtures("alone")
def test_others_cannot_be_tried(started: dict[str, Any], reason: str, tmp_path: Path) -> None:
    assert reason in why_not(session(tmp_path, **started), THREADS)


def test_several_ranks_cannot_be_tried(tmp_path: Path) -> None:
    assert "2 processes train in this session" in why_not(session(tmp_path), THREADS)


def test_a_snapshot_cannot_be_tried(tmp_path: Path) -> None:
    assert "A snapshot cannot be started again" in why_not(session(tmp_path / "run.pdnn"), THREADS)
