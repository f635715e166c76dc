"""Windows in training runs that are hard to profile."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.process.harness import Recording, run, watch


def the_recording(folder: Path, *arguments: str, **environment: str) -> Recording:
    """The recording of a target that must end as it does without the agent, with no error of ours."""
    ended, (recording,) = watch(folder, *arguments, **environment)
    assert ended == run(*arguments)
    assert ended.exit_code == 0, ended.stderr
    assert recording.of("agent_error") == []
    return recording


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("embedding", {"sparse_coo"}),
        ("compressed", {"sparse_csr", "sparse_csc", "sparse_bsr"}),
        ("nested", {"nested"}),
        ("quantized", {"quantized"}),
        ("meta", {"meta"}),
        ("subclass", {"wrapper", "contiguous"}),
        ("functional", {"wrapper", "strided"}),
        ("odd", {"mkldnn", "strided"}),
    ],
)
def test_no_kind_of_tensor_breaks_a_window(tmp_path: Path, kind: str, words: set[str]) -> None:
    recording = the_recording(tmp_path, "tensors.py", kind)

    assert len(recording.steps) == 40
    window = recording.of("window")[0]
    assert words <= {window["strings"][operator[3]] for operator in window["operators"]}
    assert recording.of("notice") == []


@pytest.mark.parametrize("name", ["start_fails", "start_fails_late", "stop_fails"])
def test_windows_that_fail_are_given_up_and_steps_go_on(tmp_path: Path, name: str) -> None:
    recording = the_recording(tmp_path, "windows.py", name, PROFILEDNN_OVERHEAD="50")

    assert len(recording.steps) == 200
    assert recording.of("window") == []
    told = [notice["text"] for notice in recording.of("notice") if notice["code"] == "window_failed"]
    assert "(RuntimeError: the program has broken it, " in told[0]
    assert told[-1].startswith("operator windows were given up after 3 failures in a row (")
    status = recording.of("status")[-1]
    assert status["steps"] == 200
    assert status["windows_ns"] > 0
    flagged = [number for number, row in enumerate(recording.steps, start=1) if row[-1]]
    assert len(flagged) <= 7, "the first step, and at most two for each of three windows"


def test_after_a_window_that_fails_another_one_is_taken(tmp_path: Path) -> None:
    recording = the_recording(tmp_path, "windows.py", "fails_once", PROFILEDNN_OVERHEAD="50")

    assert recording.of("window")
    assert recording.of("notice")[0]["text"].startswith("an operator window failed (RuntimeError: ")


def test_when_steps_grow_a_window_is_taken_of_the_new_ones(tmp_path: Path) -> None:
    recording = the_recording(tmp_path, "windows.py", "grows")

    assert any(window["step"] > 80 for window in recording.of("window"))


def test_in_a_short_run_the_cost_of_windows_is_a_tenth_of_it_at_most(tmp_path: Path) -> None:
    status = the_recording(tmp_path, "loops.py", "plain").of("status")[-1]

    assert status["windows_ns"] <= 0.1 * status["run_ns"]
    cost_ns = status["hooks_ns"] + status["windows_ns"] + status["writer_ns"]
    assert status["overhead_percent"] == pytest.approx(100 * cost_ns / status["run_ns"], abs=0.01)
