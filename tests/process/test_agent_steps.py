"""Steps, phases and losses of training loops of all kinds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from profilednn_tui.protocol.events import COLUMNS, StepsEvent
from profilednn_tui.protocol.vocabulary import PHASES
from tests.process.harness import Ended, Recording, watch

LOSS, FLAGS = map(COLUMNS["steps.rows"].index, ("loss", "flags"))


def time_ns(row: list[Any], phase: str) -> int:
    return int(row[COLUMNS["steps.rows"].index(f"{phase}_ns")])


def the_recording(folder: Path, name: str) -> Recording:
    return watched(folder, name)[1]


def watched(folder: Path, name: str) -> tuple[Ended, Recording]:
    ended, found = watch(folder, "loops.py", name)
    assert ended.exit_code == 0, ended.stderr
    trained = [recording for recording in found if recording.steps]
    assert len(trained) == 1
    assert trained[0].of("agent_error") == []
    for row in trained[0].steps:
        assert sum(time_ns(row, phase) for phase in PHASES) == row[1], "phases add up to the step"
        assert min(time_ns(row, phase) for phase in PHASES) >= 0
    return ended, trained[0]


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
        ("manual", 12, "forward"),
        ("autograd_grad", 12, "forward"),
        ("functional", 12, "forward"),
        ("manual_with_loader", 12, "dataloader"),
        ("manual_epochs", 12, "dataloader"),
        ("manual_before_an_optimizer", 12, "optimizer"),
        ("bias_by_hand", 12, "optimizer"),
        ("long_accumulation", 3, "optimizer"),
        ("long_closures", 3, "optimizer"),
        ("second_optimizer", 12, "optimizer"),
        ("late_critic", 12, "optimizer"),
    ],
)
def test_a_loop_gives_its_steps(tmp_path: Path, loop: str, steps: int, source: str) -> None:
    recording = the_recording(tmp_path, loop)

    assert len(recording.steps) == steps
    assert recording.of("step_source")[-1]["source"] == source


@pytest.mark.parametrize(
    "loop",
    [
        "evaluating",
        "distilled",
        "reinforce",
        "manual_reinforce",
        "adjoint",
        "reentrant",
        "penalty",
        "manual_penalty",
        "two_scalers",
        "scaled_accumulation",
        "helped",
        "manual_helped",
        "manual_in_a_thread",
        "lbfgs",
        "manual_losses",
        "manual_beside_an_optimizer",
    ],
)
def test_each_step_has_the_loss_that_the_program_prints_for_it(tmp_path: Path, loop: str) -> None:
    ended, recording = watched(tmp_path, loop)

    assert [row[LOSS] for row in recording.steps] == pytest.approx([float(line) for line in ended.stdout.split()])


@pytest.mark.parametrize("loop", ["evaluating", "distilled", "reinforce", "manual_reinforce"])
def test_module_calls_without_gradients_are_a_phase_of_their_own(tmp_path: Path, loop: str) -> None:
    steps = the_recording(tmp_path, loop).steps

    assert any(time_ns(row, "inference") for row in steps[1:])
    assert all(time_ns(row, phase) for row in steps for phase in ("forward", "loss", "backward"))


@pytest.mark.parametrize("loop", ["adjoint", "reentrant"])
def test_a_model_below_an_autograd_function_is_forward_though_gradients_are_off_there(
    tmp_path: Path, loop: str
) -> None:
    steps = the_recording(tmp_path, loop).steps

    assert all(time_ns(row, "forward") for row in steps)
    assert sum(time_ns(row, "inference") > 0 for row in steps) == (2 if loop == "adjoint" else 0)


def test_a_backward_pass_that_another_thread_makes_is_backward(tmp_path: Path) -> None:
    assert all(time_ns(row, "backward") for row in the_recording(tmp_path, "helped").steps)


def test_what_was_called_before_the_training_is_in_no_step(tmp_path: Path) -> None:
    code = (
        "import time, torch\nfrom tiny import model, train\nnet = model()\n"
        "with torch.no_grad():\n    net(torch.ones(1, 8)); time.sleep(1); net(torch.ones(1, 8))\ntrain()"
    )
    _, found = watch(tmp_path, "-c", code)

    assert found[0].steps[0][1] < 1_000_000_000
    assert len(found[0].steps) == 12


def test_the_last_step_of_a_program_without_optimizer_is_flagged(tmp_path: Path) -> None:
    flags = [row[FLAGS] & StepsEvent.LAST for row in the_recording(tmp_path, "manual").steps]

    assert flags == [0] * 11 + [StepsEvent.LAST]


@pytest.mark.parametrize("loop", ["inference", "gradients_never_used", "forces"])
def test_a_program_that_never_trains_has_no_step_and_is_not_ended(tmp_path: Path, loop: str) -> None:
    ended, found = watch(tmp_path, "loops.py", loop, PROFILEDNN_STEPS="3")

    assert (ended.exit_code, ended.stderr) == (0, "")
    assert found[0].steps == []
    progress = found[0].of("progress")[-1]
    assert progress["inferences"] + progress["forwards"] == 12


def test_steps_asked_for_are_those_of_the_training(tmp_path: Path) -> None:
    ended, found = watch(tmp_path, "loops.py", "evaluating", PROFILEDNN_STEPS="5")

    assert len(ended.stdout.split()) == 4, "the fifth step ends the program before it prints"
    assert len(found[0].steps) == 5


def test_the_phases_of_a_plain_loop_are_all_there(tmp_path: Path) -> None:
    recording = the_recording(tmp_path, "loader")

    totals = {name: sum(time_ns(row, name) for row in recording.steps[1:]) for name in PHASES}
    assert [name for name, total in totals.items() if not total] == ["communication", "inference"]


def test_a_loss_module_is_loss_and_not_forward(tmp_path: Path) -> None:
    row = the_recording(tmp_path, "criterion").steps[0]

    assert time_ns(row, "loss") > 0


def test_a_compiled_model_still_has_a_forward_phase(tmp_path: Path) -> None:
    assert all(time_ns(row, "forward") > 0 for row in the_recording(tmp_path, "compiled").steps)


def test_the_loss_is_recorded(tmp_path: Path) -> None:
    losses = [row[LOSS] for row in the_recording(tmp_path, "plain").steps]

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
    recording = the_recording(tmp_path, "prepared")

    assert len(recording.of("window")) == 1
    assert recording.of("status")[-1]["windows"] == len(recording.of("window"))


def test_without_a_budget_there_is_no_window(tmp_path: Path) -> None:
    _, found = watch(tmp_path, "loops.py", "plain", PROFILEDNN_OVERHEAD="0")

    assert found[0].of("window") == []
    assert len(found[0].steps) == 12
