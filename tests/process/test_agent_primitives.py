"""oneDNN's primitives in a window: intercepted, assigned to their operators, and not visible in the output."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.process.harness import Recording, run, watch


def names(event: dict[str, Any], chain: list[int]) -> list[str]:
    return [event["strings"][event["operators"][operator][0]] for operator in chain]


def total_ns_by_operator(window: dict[str, Any]) -> dict[tuple[str, ...], int]:
    totals: dict[tuple[str, ...], int] = {}
    for row in window["rows"]:
        key = tuple(window["strings"][index] for index in window["operators"][row[0]])
        totals[key] = totals.get(key, 0) + row[6]
    return totals


def only(recordings: list[Recording]) -> Recording:
    return next(recording for recording in recordings if recording.of("steps"))


def test_every_primitive_finds_its_operator(tmp_path: Path) -> None:
    _, recordings = watch(tmp_path, "convolutions.py", PROFILEDNN_OVERHEAD="50")
    recording = only(recordings)
    assert recording.of("agent_error") == []
    events = recording.of("primitives")
    assert [event["window"] for event in events] == [window["number"] for window in recording.of("window")] != []
    for event, window in zip(events, recording.of("window"), strict=True):
        texts = [event["strings"][row[1]] for row in event["rows"]]
        assert any(",convolution," in text and "backward_weights" in text for text in texts)
        joined_ns = sum(row[3] for row in event["rows"] if row[0] >= 0)
        assert joined_ns >= 0.95 * sum(row[3] for row in event["rows"])
        inside: dict[tuple[str, ...], int] = {}
        for chain, line, _, time_ns in event["rows"]:
            path = names(event, event["chains"][chain])
            expected = "aten::convolution_backward" if "backward" in event["strings"][line] else ""
            assert expected in path or not expected
            for operator in set(event["chains"][chain]):
                key = tuple(event["strings"][index] for index in event["operators"][operator])
                inside[key] = inside.get(key, 0) + time_ns
        totals = total_ns_by_operator(window)
        assert inside
        assert all(time_ns <= totals[key] for key, time_ns in inside.items())


@pytest.mark.parametrize("habit", ["thread", "fork", "fork_in_a_thread", "c_once", "shell"])
def test_the_output_is_that_of_a_plain_run(tmp_path: Path, habit: str) -> None:
    plain = run("convolutions.py", habit)
    ended, recordings = watch(tmp_path, "convolutions.py", habit, PROFILEDNN_OVERHEAD="50")
    assert only(recordings).of("window") or habit == "fork", "a fork closes the window of its step"
    assert only(recordings).of("agent_error") == []
    assert ended == plain
    assert "onednn_verbose" not in ended.stdout


def test_a_program_whose_c_code_prints_is_left_alone(tmp_path: Path) -> None:
    plain = run("convolutions.py", "c", PYTHONUNBUFFERED="1")
    ended, recordings = watch(tmp_path, "convolutions.py", "c", PYTHONUNBUFFERED="1")
    recording = only(recordings)
    assert ended.stdout == plain.stdout
    assert recording.of("primitives") == []
    assert [notice["code"] for notice in recording.of("notice")] == ["no_primitives"]


def reports(stdout: str) -> int:
    return stdout.count("primitive,exec,cpu")


@pytest.mark.parametrize("variable", ["ONEDNN_VERBOSE", "DNNL_VERBOSE"])
def test_reports_that_the_user_asked_for_are_the_users(tmp_path: Path, variable: str) -> None:
    environment = {variable: "1"}
    plain = run("convolutions.py", **environment)
    ended, recordings = watch(tmp_path, "convolutions.py", **environment)
    assert reports(ended.stdout) == reports(plain.stdout) > 0
    assert only(recordings).of("primitives") == []


def test_reports_that_the_program_switches_on_are_the_programs(tmp_path: Path) -> None:
    plain = run("convolutions.py", "own_reports")
    ended, recordings = watch(tmp_path, "convolutions.py", "own_reports")
    assert reports(ended.stdout) == reports(plain.stdout) > 0
    assert only(recordings).of("agent_error") == []


def test_they_can_be_switched_off(tmp_path: Path) -> None:
    _, recordings = watch(tmp_path, "convolutions.py", PROFILEDNN_PRIMITIVES="0")
    recording = only(recordings)
    assert recording.of("window")
    assert recording.of("primitives") == recording.of("notice") == []
