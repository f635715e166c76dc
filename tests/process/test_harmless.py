"""An optimization never changes what is learned, and never ends a training run that would have succeeded."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from benchmarks.safety import judge
from tests.process.harness import Ended, Recording, run, watch

ALL = "channels_last,frozen_backward,frozen_bn,fused_focal_loss,fused_optimizer"
NAME = re.compile(r"profilednn", re.IGNORECASE)


@cache
def plain(program: str, place: Path) -> judge.Run:
    return as_run(run(f"safety/{program}.py", str(place / "plain")), place / "plain")


def as_run(ended: Ended, place: Path) -> judge.Run:
    result = place / "result.json"
    last = ended.stderr.strip().splitlines()[-1:]
    found = json.loads(result.read_text()) if result.exists() else None
    return judge.Run(ended.exit_code, ended.stdout, "".join(last), 0.0, (), None, found)


def told(recordings: list[Recording]) -> dict[str, dict[str, Any]]:
    """The receipts of the process that trained the most steps."""
    events = [event for one in sorted(recordings, key=lambda one: len(one.steps)) for event in one.of("optimization")]
    return {event["name"]: event for event in events}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("safety")


@pytest.mark.parametrize(
    ("program", "names", "states"),
    [
        ("hogwild", "channels_last", {"channels_last": "on"}),
        ("flat_buffer", ALL, {"channels_last": "on", "frozen_backward": "declined", "fused_optimizer": "on"}),
        ("tied_weights", ALL, {"channels_last": "on", "fused_optimizer": "on"}),
        ("lbfgs", ALL, {"channels_last": "on", "fused_optimizer": "no effect"}),
        ("sparse_embedding", ALL, {"channels_last": "no effect"}),
        ("quantization_aware", ALL, {"channels_last": "on"}),
        ("functional_call", ALL, {}),
        ("gradient_penalty", ALL, {"channels_last": "on", "fused_optimizer": "on"}),
        ("checkpointing", ALL, {"channels_last": "on", "frozen_bn": "on", "frozen_backward": "no effect"}),
        ("checkpointed_roots", ALL, {"channels_last": "on", "frozen_bn": "on", "fused_optimizer": "on"}),
        ("compiled", ALL, {"channels_last": "no effect", "fused_optimizer": "on"}),
        ("by_keyword", ALL, {"channels_last": "on", "fused_optimizer": "on"}),
        ("by_hand", "frozen_backward", {"frozen_backward": "declined"}),
        ("clip_all", "frozen_backward", {"frozen_backward": "declined"}),
        ("late_optimizer", ALL, {"frozen_backward": "on", "fused_optimizer": "on"}),
        ("copied", ALL, {"channels_last": "on", "frozen_bn": "on", "frozen_backward": "on"}),
        ("scripted", ALL, {"channels_last": "on", "frozen_bn": "on"}),
        ("view_hooks", "channels_last", {"channels_last": "declined"}),
        ("handed_out", ALL, {"channels_last": "declined", "fused_optimizer": "on"}),
        ("detector", ALL, {"channels_last": "on", "fused_focal_loss": "on", "frozen_bn": "on"}),
    ],
)
def test_a_program_trains_as_without(
    tmp_path: Path, folder: Path, program: str, names: str, states: dict[str, str]
) -> None:
    place = folder / program
    session = tmp_path / "session"
    session.mkdir()
    expected = plain(program, place)
    ended, recordings = watch(session, f"safety/{program}.py", str(place / "with"), PROFILEDNN_WITH=names)
    found = as_run(ended, place / "with")

    assert judge.crash(expected, found) == ""
    assert list(judge.harm(expected, found, judge.tolerance(tuple(names.split(","))))) == []
    assert judge.traces(expected, found) == []
    assert {name: told(recordings)[name]["state"] for name in states} == states
    assert [event for one in recordings for event in one.of("agent_error")] == []


def failing(folder: Path, mode: str) -> tuple[Ended, Ended, Recording]:
    ended, recordings = watch(folder, "failing.py", mode, PROFILEDNN_WITH="channels_last,fused_optimizer")
    (recording,) = recordings
    return run("failing.py", mode), ended, recording


def test_a_first_call_that_fails_is_made_again_without_and_the_training_goes_on(tmp_path: Path) -> None:
    """With the random numbers and running statistics of a plain run."""
    expected, ended, recording = failing(tmp_path, "view")
    assert (ended.exit_code, ended.stdout, ended.stderr) == (0, expected.stdout, expected.stderr)
    channels_last = told([recording])["channels_last"]
    assert channels_last["state"] == "failed"
    assert "view size is not compatible" in channels_last["text"]
    assert told([recording])["fused_optimizer"]["state"] == "on"


def test_a_call_that_could_not_be_made_again_is_not_risked(tmp_path: Path) -> None:
    expected, ended, recording = failing(tmp_path, "prints")
    assert (ended.exit_code, ended.stdout) == (0, expected.stdout)
    assert told([recording])["channels_last"]["state"] == "declined"
    assert "view (failing.py:" in told([recording])["channels_last"]["text"]
    assert "calls print" in told([recording])["channels_last"]["text"]


def test_a_failure_of_the_program_is_its_own(tmp_path: Path) -> None:
    expected, ended, recording = failing(tmp_path, "own")
    assert (ended.exit_code, ended.stdout, ended.stderr) == (1, expected.stdout, expected.stderr)
    assert "failed" not in {event["state"] for event in recording.of("optimization")}


def test_a_later_failure_keeps_its_traceback_and_the_session_says_what_it_points_to(tmp_path: Path) -> None:
    expected, ended, recording = failing(tmp_path, "later")
    assert expected.exit_code == 0
    assert ended.exit_code == 1
    assert not NAME.search(ended.stderr), "a traceback without us"
    assert "return self.head(self.flat(x))" in ended.stderr
    (notice,) = (event for event in recording.of("notice") if event["code"] == "failed_under_optimizations")
    assert "channels_last, fused_optimizer were on" in notice["text"]
    assert "the error points to channels_last" in notice["text"]
