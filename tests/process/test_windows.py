"""Windows in training runs that are hard to profile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.process.harness import ROOT, TARGETS, Recording, run, watch


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


def test_the_end_of_an_annotation_damages_no_memory() -> None:
    """Found as a rare SIGSEGV: torch wrote the end of a scope into the freed events of an earlier window."""
    ended = run("scopes.py", PYTHONPATH=str(ROOT))

    assert (ended.exit_code, ended.stdout) == (0, "0\n")


def test_the_end_of_a_collective_damages_no_memory(tmp_path: Path) -> None:
    """Seen in the search for others of that kind: SIGABRT, heap corrupted, when it ended after the window."""
    ended = run("late_collective.py", str(tmp_path), PYTHONPATH=str(ROOT))

    assert (ended.exit_code, ended.stdout) == (0, "unharmed\n"), ended.stderr


def test_annotations_that_outlive_a_window_are_as_in_a_plain_run(tmp_path: Path) -> None:
    ended, found = watch(tmp_path, "windows.py", "annotated", PROFILEDNN_OVERHEAD="50")

    files = ["_ops.py", "profiler.py", "windows.py"]
    assert (ended.exit_code, ended.stdout, ended.stderr) == (0, f"True\n{files}\n", "")
    (recording,) = found
    assert recording.of("window")
    assert recording.of("agent_error") == []


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


def lines_of(window: dict[str, Any], file: str) -> dict[int, int]:
    """Nanoseconds of each line of a file, with all that was called from it."""
    found: dict[int, int] = {}
    places = [(row[2] if row[2] >= 0 else row[1], row[5]) for row in window["rows"]]
    for node, time_ns in [*places, *window["outside"]]:
        lines = set()
        while node >= 0:
            node, frame = window["nodes"][node]
            name, line, _ = window["frames"][frame]
            if window["strings"][name].endswith(file):
                lines.add(line)
        for line in lines:
            found[line] = found.get(line, 0) + time_ns
    return found


def line_with(text: str, target: str) -> int:
    """The number of the line of a target that holds a text."""
    return next(number for number, line in enumerate(source_of(target), start=1) if text in line)


def source_of(target: str) -> list[str]:
    return (TARGETS / target).read_text().splitlines()


def test_operators_and_the_time_outside_of_them_are_the_whole_step(tmp_path: Path) -> None:
    """Issue 18: in a data-bound loop, an innocent line was shown as the hot one."""
    window = the_recording(tmp_path, "whole_step.py", PROFILEDNN_OVERHEAD="50").of("window")[-1]

    outside_ns = sum(row[1] for row in window["outside"])
    assert window["operator_ns"] + outside_ns == pytest.approx(window["duration_ns"], rel=0.15), (
        "the rest is the agent's own"
    )
    costs = lines_of(window, "whole_step.py")
    waiting = line_with("for batch in", "whole_step.py"), line_with("time.sleep(", "whole_step.py")
    assert min(costs[line] for line in waiting) > 4 * 5e6, "four samples of 5 ms"
    assert all(2 * time_ns < costs[waiting[0]] for line, time_ns in costs.items() if line not in waiting)


def test_each_operator_has_the_phase_it_ran_in(tmp_path: Path) -> None:
    recording = the_recording(tmp_path, "whole_step.py", PROFILEDNN_OVERHEAD="50")
    phases = recording.of("header")[0]["phases"]
    window = recording.of("window")[-1]
    found: dict[str, set[str]] = {}
    for row in window["rows"]:
        name = window["strings"][window["operators"][row[0]][0]]
        found.setdefault(name, set()).add(phases[row[8]] if row[8] >= 0 else "")

    assert found["aten::uniform_"] == {"data"}
    assert found["aten::addmm"] == {"forward"}
    assert found["aten::mean"] == {"loss"}
    assert found["autograd::engine::evaluate_function: TanhBackward0"] == {"backward"}
    assert "optimizer" in found["aten::add_"]
    assert found["enumerate(DataLoader)#_SingleProcessDataLoaderIter.__next__"] == {"data"}


def test_models_with_the_same_paths_are_told_apart(tmp_path: Path) -> None:
    """Issue 18: the layers of two models were one row."""
    window = the_recording(tmp_path, "whole_step.py", PROFILEDNN_OVERHEAD="50").of("window")[-1]

    paths = [window["strings"][row[0]] for row in window["modules"]]
    assert len(paths) == len(set(paths)) == 12
    assert {"Generator", "Generator.main.0", "Critic", "Critic.main.0", "Critic 2", "Critic 2.main.0"} <= set(paths)
