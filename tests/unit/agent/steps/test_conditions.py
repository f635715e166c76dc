"""What the agent sees of a training's conditions, and that it changes none of them."""

from __future__ import annotations

import platform
from collections.abc import Callable
from time import perf_counter_ns
from typing import Any

import pytest
import torch
from torch import nn

from profilednn_tui.agent.steps.conditions import FIRST_LOOK, FREE_NS, MOST_TIME, Conditions, next_look
from profilednn_tui.agent.steps.root_modules import RootModules
from profilednn_tui.protocol.events import ConditionsEvent

STEP_NS = 1_000_000_000
"""So long that all looks are affordable."""


class Training:
    """A few steps of a model under `Conditions`, as if each had taken `STEP_NS`."""

    def __init__(self, model: nn.Module, *trained: nn.Parameter) -> None:
        self.model = model
        self.roots = RootModules()
        self.events: list[ConditionsEvent] = []
        self.conditions = Conditions(torch, self.roots, self.events.append)
        self.optimizer = torch.optim.SGD(trained or model.parameters(), lr=0.0)

    def run(self, steps: int, loss_of: Callable[[Any], Any] = lambda result: result.pow(2).mean()) -> None:
        for step in range(1, steps + 1):
            self.roots.look_up(self.model)
            loss = loss_of(self.model(torch.ones(4, 8)))
            if step >= self.conditions.due:
                self.conditions.before_backward(step, loss, perf_counter_ns() - step * STEP_NS)
            self.optimizer.zero_grad()
            loss.backward(retain_graph=True)
            self.optimizer.step()
            self.conditions.after_update(self.optimizer)


def test_the_agent_looks_ever_more_rarely() -> None:
    training = Training(nn.Linear(8, 8))
    training.run(600)
    assert [event.step for event in training.events] == [
        4, 8, 16, 32, 64, 128, 256, 512,
    ]  # fmt: skip


@pytest.mark.parametrize("step_ns", [100_000, 3_000_000, 1_000_000_000])
def test_all_looks_take_a_millisecond_and_a_thousandth_of_the_time(step_ns: int) -> None:
    step, looks, cost_ns = FIRST_LOOK, 1, 158_000
    while step < 100_000:
        step = next_look(step, step_ns, (looks + 1) * cost_ns)
        looks += 1
        assert looks * cost_ns <= FREE_NS + MOST_TIME * (step + 1) * step_ns


def test_costly_looks_at_short_steps_are_put_off() -> None:
    assert next_look(4, step_ns=3_000_000, cost_ns=2 * 158_000) == 8
    assert next_look(64, step_ns=3_000_000, cost_ns=6 * 158_000) == 128
    assert next_look(128, step_ns=300_000, cost_ns=7 * 158_000) == 354
    assert next_look(8, step_ns=1_000_000, cost_ns=1_400_000) == 400


def test_a_healthy_training_keeps_no_graph_and_needs_all_gradients() -> None:
    training = Training(nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 1)))
    training.run(40)
    last = training.events[-1]
    assert (last.anomaly_mode, last.onednn) == (False, True)
    assert (last.watched_graphs, last.kept_graphs) == (3, 0)
    assert (last.unneeded, last.unneeded_weights) == ([], [])
    assert len({event.graph_nodes for event in training.events}) == 1
    assert last.graph_nodes > 5
    assert last.intra_op_threads == torch.get_num_threads()


def test_losses_that_are_kept_keep_their_graphs() -> None:
    kept: list[Any] = []
    training = Training(nn.Linear(8, 8))

    def keep(result: Any) -> Any:
        kept.append(result.mean())
        return kept[-1]

    training.run(40, keep)
    last = training.events[-1]
    assert (last.watched_graphs, last.kept_graphs) == (3, 3)


def test_a_sum_of_losses_keeps_their_graphs() -> None:
    total = torch.zeros(())

    def added(result: Any) -> Any:
        nonlocal total
        loss = result.mean()
        total = total + loss
        return loss

    training = Training(nn.Linear(8, 8))
    training.run(40, added)
    assert training.events[-1].kept_graphs == 3


def test_a_state_that_is_never_detached_lets_the_graph_grow() -> None:
    state = torch.zeros(4, 8)

    def carried(result: Any) -> Any:
        nonlocal state
        state = state + result
        return state.mean()

    training = Training(nn.Linear(8, 8))
    training.run(24, carried)
    nodes = [event.graph_nodes for event in training.events]
    assert nodes == sorted(set(nodes))
    assert nodes[-1] > 2 * nodes[0]


def test_modules_without_an_optimizer_are_told_with_those_that_lead_to_trained_ones() -> None:
    first, trained, passed, head = (nn.Linear(8, 8) for _ in range(4))
    model = nn.Sequential(nn.Sequential(first, nn.ReLU()), trained, passed, head)
    training = Training(model, *trained.parameters(), *head.parameters())
    training.run(5)
    assert training.events[-1].unneeded == ["0"]
    assert training.events[-1].unneeded_weights == ["2"]


def test_a_backbone_of_its_own_is_told_by_the_paths_of_its_operators() -> None:
    head = nn.Linear(8, 1)
    training = Training(nn.Sequential(nn.Linear(8, 8), nn.ReLU()), *head.parameters())
    training.roots.look_up(head)
    training.run(5, lambda features: head(features).mean())
    paths = set(training.roots.paths().values())
    assert training.events[-1].unneeded == ["0", "1"]
    assert {"0", "1"} <= paths


def test_a_backbone_with_the_paths_of_another_model_is_told_by_its_name() -> None:
    head = nn.Sequential(nn.Linear(8, 1))
    training = Training(nn.Sequential(nn.Linear(8, 8), nn.ReLU()), *head.parameters())
    training.roots.look_up(head)
    training.run(5, lambda features: head(features).mean())
    (name,) = training.events[-1].unneeded
    paths = set(training.roots.paths().values())
    assert {f"{name}.0", f"{name}.1"} <= paths


def test_parameters_that_the_script_has_frozen_are_no_waste() -> None:
    model = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 8))
    model[0].requires_grad_(False)
    training = Training(model, *model[1].parameters())
    training.run(5)
    assert training.events[-1].unneeded == []


def test_anomaly_detection_and_switched_off_onednn_are_seen() -> None:
    training = Training(nn.Linear(8, 8))
    with torch.autograd.detect_anomaly(), torch.backends.mkldnn.flags(enabled=False):
        training.run(4)
    assert training.events[-1].anomaly_mode
    assert not training.events[-1].onednn


def test_onednn_that_is_off_in_the_forward_pass_only_is_seen() -> None:
    training = Training(nn.Linear(8, 8))
    with torch.backends.mkldnn.flags(enabled=False):
        training.conditions.before_forward(True, (), {})
    training.conditions.before_backward(4, training.model(torch.ones(4, 8)).mean(), perf_counter_ns() - 4 * STEP_NS)
    assert not training.events[-1].onednn


@pytest.mark.skipif(platform.machine() != "x86_64", reason="reads MXCSR")
def test_a_denormal_number_is_noticed_and_the_mode_stays() -> None:
    training = Training(nn.Linear(8, 8))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        torch.full((64,), 1e-39).mul_(0.5)
        training.run(4)
        assert training.events[-1].denormals
        assert training.events[-1].flushes_denormals is False
        torch.set_flush_denormal(True)
        training.run(training.conditions.due)  # later than step 8 if the first look was slow, beside other tests
        assert training.events[-1].flushes_denormals
    finally:
        torch.set_flush_denormal(False)
        torch.set_num_threads(threads)


def test_graphs_that_are_too_large_are_not_walked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("profilednn_tui.agent.steps.conditions.MOST_NODES", 3)
    training = Training(nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 1)))
    training.run(4)
    assert training.events[-1].graph_nodes == 0
    assert training.events[-1].unneeded == []


def test_the_size_of_the_inputs_is_that_of_the_step() -> None:
    training = Training(nn.Linear(8, 8))
    for count in (4, 16):
        training.conditions.before_forward(True, (torch.ones(count, 8),), {})
        training.conditions.before_forward(False, (torch.ones(999, 8),), {})
        training.run(training.conditions.due)
    assert [(event.batch, event.input_elements) for event in training.events[:1]] == [(4, 32)]
    assert (16, 128) in [(event.batch, event.input_elements) for event in training.events]
