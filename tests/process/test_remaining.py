"""How long a training is, found in programs of many shapes, which run as they do without us."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.process.harness import TARGETS, Ended, run, watch
from tests.process.launching import PROGRAM
from tests.process.launching import run as launch

EPOCHS, STEPS = 4, 12
KNOWN = {
    "module_level": EPOCHS,
    "in_functions": EPOCHS,
    "called": EPOCHS,
    "captured": EPOCHS,
    "phases": 2 * EPOCHS,
    "accumulating": EPOCHS,
    "resumed": EPOCHS,
    "class_epochs": EPOCHS,
    "stream": EPOCHS,
    "locals_kept": EPOCHS,
    "steps": 1,
    "one_pass": 1,
    "lightning": EPOCHS,
    "transformers": EPOCHS,
    "endless": -1,
    "property_epochs": -1,
}
"""The number of passes of each program; -1 where it cannot be known."""


@cache
def plain(shape: str) -> Ended:
    return run("totals.py", shape)


def told(folder: Path, shape: str) -> list[dict[str, Any]]:
    """What is told of a program, which must run as it does without us."""
    ended, (recording,) = watch(folder, "totals.py", shape)
    assert recording.of("agent_error") == []
    assert without_seconds(ended) == without_seconds(plain(shape))
    return recording.of("total")


def without_seconds(ended: Ended) -> tuple[int, list[str], str]:
    """The end of a program, less the line in which transformers says how long it took."""
    return ended.exit_code, [line for line in ended.stdout.splitlines() if "train_runtime" not in line], ended.stderr


@pytest.mark.parametrize("shape", KNOWN)
def test_the_length_is_found_and_the_program_cannot_tell(tmp_path: Path, shape: str) -> None:
    events = told(tmp_path, shape)
    assert {event["passes"] for event in events} == {KNOWN[shape]}
    assert all(event["reason"] if KNOWN[shape] < 0 else event["source"] for event in events)
    numbers = [event["pass_number"] for event in events]
    assert numbers == sorted(numbers)
    for event in events:
        if event["first_step"] > 0:
            assert event["first_step"] % STEPS == 1


def test_neither_a_stream_nor_a_sampler_of_the_program_is_asked_for_its_length(tmp_path: Path) -> None:
    """`plain` prints each time that one is asked."""
    for shape in ("stream", "talking_sampler"):
        (tmp_path / shape).mkdir()
        assert {event["length"] for event in told(tmp_path / shape, shape)} == {-1}


def test_the_user_s_number_of_epochs_is_kept_with_the_session(tmp_path: Path) -> None:
    words = (*PROGRAM, "run", "--headless", "--epochs", "4", str(TARGETS / "totals.py"), "endless")
    ended = launch(words, tmp_path)
    assert ended.exit_code == 0, ended.stderr
    (session,) = (tmp_path / "home").glob("*/session.json")
    assert b'"epochs":4' in session.read_bytes().replace(b" ", b"")
