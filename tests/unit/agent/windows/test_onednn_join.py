"""oneDNN's primitives joined to the operators of a profiled call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from profilednn_tui.agent.isolation.guard import Guard
from profilednn_tui.agent.windows.onednn_capture import Execution
from profilednn_tui.agent.windows.onednn_join import join
from profilednn_tui.agent.windows.summary import summarize
from profilednn_tui.agent.windows.torch_profiler import EventTree, TorchProfiler
from profilednn_tui.agent.windows.trace import Uses
from profilednn_tui.protocol.events import PrimitivesEvent


@pytest.fixture
def profiler() -> Iterator[TorchProfiler]:
    made = TorchProfiler(torch, Guard(print))
    yield made
    made.remove()


@pytest.fixture
def tree(profiler: TorchProfiler) -> EventTree:
    """A matrix product whose ``aten::mm`` is inside ``aten::matmul``."""
    left, right = torch.ones(64, 64), torch.ones(64, 64)
    profiler.start(stacks=False)
    torch.matmul(left, right)
    tree = profiler.stop()
    assert tree is not None
    return tree


def find(events: list[Any], name: str) -> Any:
    for event in events:
        found = event if event.name == name else find(event.children, name)
        if found is not None:
            return found
    return None


def chains_by_line(event: PrimitivesEvent) -> dict[str, list[str]]:
    chains = {-1: [], **dict(enumerate(event.chains))}
    return {
        event.strings[line]: [event.strings[event.operators[operator][0]] for operator in chains[chain]]
        for chain, line, *_ in event.rows
    }


def test_a_primitive_belongs_to_the_innermost_operator_around_it(profiler: TorchProfiler, tree: EventTree) -> None:
    inner = find(tree.roots, "aten::mm")
    tree.ran = [
        Execution(inner.start_time_ns + inner.duration_time_ns // 2, "product", 7),
        Execution(inner.end_time_ns + 1_000_000_000, "after all", 7),
        Execution(0, "without a timestamp", 7),
    ]

    assert chains_by_line(join(tree, profiler.types, 1, 1, Uses())) == {
        "product": ["aten::matmul", "aten::mm"],
        "after all": [],
        "without a timestamp": [],
    }


def test_equal_primitives_of_an_operator_are_one_row(profiler: TorchProfiler, tree: EventTree) -> None:
    inner = find(tree.roots, "aten::mm")
    tree.ran = [Execution(inner.start_time_ns, "product", 7), Execution(inner.end_time_ns, "product", 5)]
    uses = Uses()
    event = join(tree, profiler.types, 3, 30, uses)

    assert (event.window, event.step) == (3, 30)
    assert [row[2:] for row in event.rows] == [[2, 12]]
    assert (list(uses.rows), list(uses.durations_ns)) == ([0, 0], [7, 5])
    assert uses.starts_ns[0] == inner.start_time_ns - 3


def test_creations_have_rows_of_their_own(profiler: TorchProfiler, tree: EventTree) -> None:
    inner = find(tree.roots, "aten::mm")
    tree.ran = [Execution(inner.start_time_ns, "product", 3, True), Execution(inner.end_time_ns, "product", 5)]
    uses = Uses()
    event = join(tree, profiler.types, 1, 1, uses)

    assert list(uses.rows) == [~0, 0], "the creation first"
    assert event.creations_logged
    assert [row[2:] for row in event.rows] == [[1, 5]]
    assert [row[2:] for row in event.creations] == [[1, 3]]
    assert event.rows[0][:2] == event.creations[0][:2], "the same primitive in the same operator"


def test_operators_are_described_as_in_the_summary(profiler: TorchProfiler, tree: EventTree) -> None:
    inner = find(tree.roots, "aten::mm")
    tree.ran = [Execution(inner.start_time_ns, "product", 7)]
    joined, summary = join(tree, profiler.types, 1, 1, Uses()), summarize(tree, profiler.types, {})

    def texts(of: Any) -> list[list[str]]:
        return [[of.strings[index] for index in operator] for operator in of.operators]

    assert texts(joined) == [operator for operator in texts(summary) if operator[0] in ("aten::matmul", "aten::mm")]
