"""What is recorded about the updates of optimizers, in this process."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from profilednn_tui.agent.isolation.guard import Guard
from profilednn_tui.agent.steps import learning
from profilednn_tui.agent.steps.learning import LearningRecorder, available_bytes
from profilednn_tui.agent.steps.root_modules import RootModules
from profilednn_tui.protocol.events import AgentErrorEvent, LearningEvent, NoticeEvent, ParametersEvent

ROOM = 1e9


class Recorded:
    """A recorder and what it has reported."""

    def __init__(self, *models: nn.Module, room: float = ROOM) -> None:
        self.events: list[Any] = []
        roots = RootModules()
        for model in models:
            roots.look_up(model)
        self.recorder = LearningRecorder(torch, roots, self.events.append, Guard(self.events.append), room)

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if type(event) is kind]

    def rows(self, optimizer: int = 0) -> list[list[list[Any]]]:
        """Of each update of an optimizer, by parameter."""
        return [event.rows for event in self.of(LearningEvent) if event.optimizer == optimizer]

    def __enter__(self) -> Recorded:
        self.recorder.install()
        return self

    def __exit__(self, *error: object) -> None:
        self.recorder.remove()
        assert self.of(AgentErrorEvent) == []


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def descend(model: nn.Module, optimizer: Any, steps: int = 1, inputs: Any = None) -> None:
    for _ in range(steps):
        optimizer.zero_grad()
        model(torch.ones(2, 3) if inputs is None else inputs).abs().sum().backward()
        optimizer.step()


def test_gradients_and_movements_are_those_of_the_update() -> None:
    model = nn.Linear(3, 2)
    start = model.weight.detach().clone()
    with Recorded(model) as recorded:
        descend(model, torch.optim.SGD(model.parameters(), lr=0.5))
        gradient = model.weight.grad
        assert gradient is not None
        moved = float((model.weight.detach() - start).norm())
    (parameters,) = recorded.of(ParametersEvent)
    assert (parameters.class_name, parameters.names, parameters.groups) == ("SGD", ["weight", "bias"], [0, 0])
    ((weight, _),) = recorded.rows()
    assert weight[0] == pytest.approx(float(gradient.norm()))
    assert weight[1] == pytest.approx(moved) == pytest.approx(0.5 * weight[0])


def test_the_checksum_depends_on_the_bits_and_not_on_the_layout() -> None:
    found = []
    for memory_format, nudge in (
        (torch.contiguous_format, 0.0),
        (torch.channels_last, 0.0),
        (torch.channels_last, 1e-7),
    ):
        torch.manual_seed(0)
        model = nn.Conv2d(3, 4, 2).to(memory_format=memory_format)
        with torch.no_grad():
            model.weight[0, 0, 0, 0] *= 1 + nudge
        with Recorded(model) as recorded:
            for parameter in model.parameters():
                parameter.grad = torch.zeros_like(parameter)
            torch.optim.SGD(model.parameters()).step()
        found.append(recorded.rows()[0][0][2])
    assert found[0] == found[1] != found[2]


def test_a_parameter_without_gradient_has_none_and_does_not_move() -> None:
    model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2))
    model[1].bias.requires_grad_(False)
    with Recorded(model) as recorded:
        descend(model, torch.optim.SGD(model.parameters(), lr=0.1))
    assert recorded.of(ParametersEvent)[0].names[3] == "1.bias"
    assert recorded.rows()[0][3][:2] == [None, 0.0]


def test_a_closure_computes_the_gradients_of_its_own_update() -> None:
    model = nn.Linear(3, 1)
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=2)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = model(torch.ones(2, 3)).pow(2).sum()
        loss.backward()
        return loss

    with Recorded(model) as recorded:
        optimizer.step(closure)
        optimizer.step(closure)
    first, second = recorded.rows()
    assert first[0][0] is not None
    assert first[0][1] > 0
    assert second[0][0] is not None


def test_each_optimizer_counts_its_own_updates() -> None:
    generator, critic = nn.Linear(3, 3), nn.Linear(3, 1)
    one, other = torch.optim.Adam(generator.parameters()), torch.optim.SGD(critic.parameters(), lr=0.1)
    with Recorded(generator, critic) as recorded:
        for _ in range(2):
            descend(critic, other, steps=2)
            descend(generator, one)
    assert [event.class_name for event in recorded.of(ParametersEvent)] == ["SGD", "Adam"]
    assert [len(recorded.rows(number)) for number in (0, 1)] == [4, 2]


def test_sparse_gradients_are_measured_without_changing_them() -> None:
    model = nn.Embedding(10, 4, sparse=True)
    with Recorded(model) as recorded:
        optimizer = torch.optim.SparseAdam(model.parameters())
        descend(model, optimizer, inputs=torch.tensor([1, 1, 3]))
        gradient = model.weight.grad
        assert gradient is not None
        assert not gradient.is_coalesced()
    assert recorded.rows()[0][0][0] == pytest.approx(float(gradient.coalesce().values().norm()))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64, torch.complex64])
def test_other_dtypes_are_read(dtype: torch.dtype) -> None:
    parameter = nn.Parameter(torch.ones(3, dtype=dtype))
    optimizer = torch.optim.SGD([parameter], lr=0.25)
    with Recorded() as recorded:
        parameter.grad = torch.full_like(parameter, 2.0)
        optimizer.step()
    (event,) = recorded.of(ParametersEvent)
    assert (event.names, event.dtypes) == (["parameter 0 of group 0"], [str(dtype).removeprefix("torch.")])
    assert recorded.rows()[0][0][:2] == [pytest.approx(math.sqrt(12)), pytest.approx(math.sqrt(0.75))]


def test_gradients_under_a_scaler_are_unscaled() -> None:
    norms = []
    for fused in (False, True):
        torch.manual_seed(0)
        model = nn.Linear(3, 2)
        optimizer = torch.optim.Adam(model.parameters(), fused=fused)
        scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
        with Recorded(model) as recorded:
            scaler.scale(model(torch.ones(2, 3)).abs().sum()).backward()
            scaler.step(optimizer)
        norms.append(recorded.rows()[0][0][0])
    assert norms[0] == pytest.approx(norms[1])


def test_what_cannot_be_read_is_counted() -> None:
    class Distributed(torch.Tensor):  # type: ignore[misc]
        @classmethod
        def __torch_dispatch__(cls, function: Any, types: Any, arguments: Any = (), keywords: Any = None) -> Any:
            return function(*arguments, **(keywords or {}))

    plain, special = nn.Parameter(torch.ones(2)), torch.ones(2).as_subclass(Distributed)
    with Recorded() as recorded:
        plain.grad = torch.ones(2)
        torch.optim.SGD([plain, special], lr=0.1).step()
    (event,) = recorded.of(ParametersEvent)
    assert (event.unread, len(event.names)) == (1, 1)


def test_many_parameters_are_summed_by_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning, "MOST_ROWS", 4)
    parameters = [nn.Parameter(torch.zeros(1)) for _ in range(6)]
    with Recorded() as recorded:
        for parameter in parameters:
            parameter.grad = torch.ones(1)
        torch.optim.SGD([{"params": parameters[:5]}, {"params": parameters[5:]}], lr=1.0).step()
    (event,) = recorded.of(ParametersEvent)
    assert event.names[2:] == ["the other parameters of group 0", "the other parameters of group 1"]
    assert event.groups == [0, 0, 0, 1]
    assert [row[0] for row in recorded.rows()[0]] == [1.0, 1.0, pytest.approx(math.sqrt(3)), 1.0]


def test_a_copy_that_would_take_too_much_memory_is_not_made() -> None:
    model = nn.Linear(100, 100)
    with Recorded(model, room=4 * 40_000) as recorded:
        descend(model, torch.optim.SGD(model.parameters(), lr=0.1), inputs=torch.ones(1, 100))
    (notice,) = recorded.of(NoticeEvent)
    assert notice.code == "certificate"
    assert "25% of the available memory" in notice.text
    assert recorded.rows() == []
    assert available_bytes() > 0


def test_neither_random_numbers_nor_the_programs_modes_notice() -> None:
    class Logged(TorchDispatchMode):  # type: ignore[misc]
        def __torch_dispatch__(self, function: Any, types: Any, arguments: Any = (), keywords: Any = None) -> Any:
            seen.append(str(function))
            return function(*arguments, **(keywords or {}))

    runs = []
    for record in (False, True):
        torch.manual_seed(0)
        model, seen = nn.Linear(3, 2), list[str]()
        optimizer = torch.optim.AdamW(model.parameters())
        with Logged():
            if record:
                with Recorded(model):
                    descend(model, optimizer, 3)
            else:
                descend(model, optimizer, 3)
        runs.append((seen, [one.tolist() for one in model.parameters()], torch.rand(1).item()))
    assert runs[0] == runs[1]
