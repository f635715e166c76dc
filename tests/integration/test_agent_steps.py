"""Steps, phases and losses of training loops of all kinds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.harness import Recording, watch

PHASES = ("data", "forward", "loss", "backward", "optimizer", "other")


def the_recording(folder: Path, name: str) -> Recording:
    ended, found = watch(folder, "loops.py", name)
    assert ended.exit_code == 0, ended.stderr
    trained = [recording for recording in found if recording.steps]
    assert len(trained) == 1
    assert trained[0].of("agent_error") == []
    return trained[0]


@pytest.mark.parametrize(
    ("loop", "steps", "source"),
    [
        ("plain", 12, "optimizer"),
        ("criterion", 12, "optimizer"),
        ("accumulate", 12, "optimizer"),
        ("gan", 12, "optimizer"),
        ("switched_optimizer", 12, "optimizer"),
        ("lbfgs", 12, "optimizer"),
        ("scaler", 12, "optimizer"),
        ("compiled", 12, "optimizer"),
        ("compiled_step", 12, "optimizer"),
        ("prebound", 12, "optimizer"),
        ("per_parameter", 12, "optimizer"),
        ("loader", 12, "optimizer"),
        ("worker_thread", 12, "optimizer"),
        ("evaluates_first", 12, "optimizer"),
        ("accelerate", 12, "optimizer"),
        ("lightning", 12, "optimizer"),
        ("trainer", 12, "optimizer"),
        ("manual", 11, "forward"),
        ("autograd_grad", 11, "forward"),
        ("inference", 11, "forward"),
        ("manual_with_loader", 12, "dataloader"),
    ],
)
def test_a_loop_gives_its_steps(tmp_path: Path, loop: str, steps: int, source: str) -> None:
    recording = the_recording(tmp_path, loop)

    assert len(recording.steps) == steps
    assert recording.of("step_source")[-1]["source"] == source
    for row in recording.steps:
        assert sum(row[2:8]) == row[1], "phases add up to the step"
        assert min(row[1:8]) >= 0


def test_the_phases_of_a_plain_loop_are_all_there(tmp_path: Path) -> None:
    recording = the_recording(tmp_path, "loader")

    totals = {name: sum(row[index + 2] for row in recording.steps[1:]) for index, name in enumerate(PHASES)}
    assert all(totals.values()), totals


def test_a_loss_module_is_loss_and_not_forward(tmp_path: Path) -> None:
    row = the_recording(tmp_path, "criterion").steps[0]

    assert row[4] > 0


def test_a_compiled_model_still_has_a_forward_phase(tmp_path: Path) -> None:
    assert all(row[3] > 0 for row in the_recording(tmp_path, "compiled").steps)


def test_the_loss_is_recorded(tmp_path: Path) -> None:
    losses = [row[8] for row in the_recording(tmp_path, "plain").steps]

    assert all(isinstance(loss, float) for loss in losses)
    assert losses[-1] < losses[0]


def test_accumulated_gradients_are_one_step(tmp_path: Path) -> None:
    recording = the_recording(tmp_path, "accumulate")

    assert recording.of("status")[-1]["steps"] == 12


def test_steps_asked_for_end_the_program_in_good_order(tmp_path: Path) -> None:
    ended, found = watch(tmp_path, "loops.py", "plain", PROFILEDNN_STEPS="5")

    assert ended.exit_code == 0
    assert ended.stderr == ""
    assert len(found[0].steps) == 5
    assert found[0].of("bye")


def test_a_window_comes_on_credit_at_the_start(tmp_path: Path) -> None:
    recording = the_recording(tmp_path, "plain")

    assert len(recording.of("window")) == 1
    assert recording.of("status")[-1]["windows"] == len(recording.of("window"))


def test_without_a_budget_there_is_no_window(tmp_path: Path) -> None:
    _, found = watch(tmp_path, "loops.py", "plain", PROFILEDNN_OVERHEAD="0")

    assert found[0].of("window") == []
    assert len(found[0].steps) == 12
