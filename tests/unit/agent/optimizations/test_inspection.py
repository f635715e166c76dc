"""What can be told from a model's code before it runs."""

from __future__ import annotations

import random
from typing import Any

import pytest
import torch
from torch import nn

from profilednn_tui.agent.optimizations._inspection import mention, why_not_repeatable

SEEN: list[Any] = []
count = 0


class Plain(nn.Module):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)
        self.calls = 0

    def forward(self, x: Any) -> Any:
        parts = [self.layer(x)]
        parts.append(torch.relu(parts[0]) + random.random())
        self.calls += 1
        return self.join(parts)

    def join(self, parts: list[Any]) -> Any:
        return torch.cat(parts).view(-1)


class Prints(Plain):
    def join(self, parts: list[Any]) -> Any:
        print(len(parts))
        return parts[0]


class KeepsElsewhere(Plain):
    def join(self, parts: list[Any]) -> Any:
        SEEN.append(parts[0])
        return parts[0]


class CountsGlobally(Plain):
    def join(self, parts: list[Any]) -> Any:
        global count
        count += 1
        return parts[0]


class Learns(Plain):
    def join(self, parts: list[Any]) -> Any:
        parts[0].sum().backward()
        return parts[0]


class Overrides(Plain):
    def join(self, parts: list[Any]) -> Any:
        return super().join(parts)


class Resizes(Plain):
    def join(self, parts: list[Any]) -> Any:
        return helper(parts[0])


def helper(x: Any) -> Any:
    return x.as_strided((2,), (1,))


def test_a_model_that_only_computes_can_be_called_twice() -> None:
    assert why_not_repeatable(nn.Sequential(Plain(), nn.ReLU()), torch) == ""


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (Prints, "calls print"),
        (KeepsElsewhere, "uses the global SEEN"),
        (CountsGlobally, "changes count"),
        (Learns, "uses backward"),
    ],
)
def test_what_a_second_call_would_find_changed_is_told(kind: type[Plain], reason: str) -> None:
    assert reason in why_not_repeatable(nn.Sequential(kind()), torch)


def test_a_hook_of_the_program_is_a_reason() -> None:
    model = Plain()
    model.layer.register_forward_hook(lambda module, arguments, output: None)
    assert "hooks" in why_not_repeatable(model, torch)


def test_a_name_is_found_with_its_line_also_in_methods_helpers_and_hooks() -> None:
    assert mention(nn.Sequential(Plain()), frozenset({"view"})).startswith("view (test_inspection.py:")
    assert mention(nn.Sequential(Resizes()), frozenset({"as_strided"})).startswith("as_strided (test_inspection.py:")
    assert mention(nn.Sequential(Overrides()), frozenset({"view"})).startswith("view (test_inspection.py:")
    model = nn.Linear(2, 2)
    assert mention(model, frozenset({"view"})) == ""
    model.register_forward_hook(lambda module, arguments, output: output.view(-1))
    assert "a hook that uses view" in mention(model, frozenset({"view"}))
