"""How long a training is: what is told of the loops around its steps, and when."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader, TensorDataset

from profilednn_tui.agent.steps.loaders import LoaderFacts
from profilednn_tui.agent.steps.total import MOST_PLACES, READ_INTERVAL_NS, TrainingTotal
from profilednn_tui.protocol.events import TotalEvent

DATA = TensorDataset(torch.arange(8.0))


class Training:
    """Calls the agent as its hooks and its thread do; there are seconds between two calls."""

    def __init__(self, late: bool = False, stop_after: int | None = None) -> None:
        self.told: list[TotalEvent] = []
        self.steps = 0
        self._loaders = LoaderFacts(torch, lambda: self.steps)
        self._total = TrainingTotal(torch, self._loaders, self.told.append, late)
        self._stop_after = stop_after
        self._now_ns = 0

    def batches(self, size: int = 2, seen: bool = True) -> Iterator[Any]:
        loader = DataLoader(DATA, batch_size=size)
        iterator = iter(loader)
        if seen:
            self._loaders.started(loader, iterator, 1)
        for batch in iterator:
            self._loaders.delivered(iterator, 1)
            yield batch
        self._loaders.exhausted(iterator, 1)

    def step(self) -> None:
        self.steps += 1
        self._now_ns += READ_INTERVAL_NS
        self._total.look(self.steps, self._now_ns, self._stop_after)
        self._total.prepare()


def numbers(event: TotalEvent) -> tuple[int, ...]:
    return event.pass_number, event.passes, event.place, event.length, event.first_step


def reasons(training: Training) -> set[str]:
    return {event.reason.partition(", test_total.py")[0] for event in training.told}


def test_epochs_over_a_loader_are_told_once_each() -> None:
    training = Training()
    for _epoch in range(3):
        for _ in training.batches():
            training.step()
    assert [numbers(event) for event in training.told] == [(0, 3, 2, 4, 1), (1, 3, 1, 4, 5), (2, 3, 1, 4, 9)]
    assert [event.step for event in training.told] == [2, 5, 9]
    assert training.told[0].source.startswith("for _epoch in range(3), test_total.py:")
    assert reasons(training) == {""}


def test_the_loop_of_epochs_may_be_in_a_caller_and_its_variable_may_change() -> None:
    training = Training()

    def train() -> None:
        for _ in training.batches():
            training.step()

    stages = ["warm-up", "main"]
    for _stage in stages:
        for epoch in range(2):
            train()
            epoch += 1
    assert reasons(training) == {"the program changes the variable of `for epoch in range(2)"}
    training = Training()
    for epoch in range(3):
        train()
        epoch += 1
    assert [numbers(event)[:2] for event in training.told] == [(0, 3), (1, 3), (2, 3)], "counted by the loader"


def test_nested_loops_are_one() -> None:
    training = Training()
    for _fold in range(2):
        for _epoch in range(3):
            for _ in training.batches():
                training.step()
    assert [numbers(event)[:2] for event in training.told] == [(number, 6) for number in range(6)]


def test_a_validation_between_the_epochs_is_no_epoch() -> None:
    training = Training()
    for _epoch in range(2):
        for phase in ["train", "validate"]:
            for _ in training.batches():
                if phase == "train":
                    training.step()
    assert [numbers(event) for event in training.told] == [(0, 4, 2, 4, 1), (2, 4, 1, 4, 5)]


def test_steps_without_a_loader_are_counted_by_their_own_loop() -> None:
    training = Training()
    for _number in range(20):
        training.step()
    first, second = training.told
    assert numbers(first) == (0, 1, 2, 20, -1)
    assert (second.step - first.step, second.place - first.place) == (8, 8), "told again, for comparison"


def test_a_single_pass_has_the_length_of_its_loader(tmp_path: Path) -> None:
    program, training = tmp_path / "train.py", Training()
    program.write_text("for _ in training.batches():\n    training.step()\n")
    os.utime(program, (0, 0))
    exec(compile(program.read_text(), str(program), "exec"), {"training": training})
    assert [numbers(event) for event in training.told] == [(0, 1, 2, 4, 1)]


def test_loops_without_a_known_end_are_said_to_have_none() -> None:
    training = Training()
    while training.steps < 8:
        for _ in training.batches():
            training.step()
    assert reasons(training) == {"the number of iterations of `while training.steps < 8"}
    assert [numbers(event)[:2] for event in training.told] == [(0, -1), (1, -1)], "epochs are counted nevertheless"


def test_a_program_whose_text_is_gone_is_unknown() -> None:
    training = Training()
    exec("for _ in range(8):\n    training.step()", {"training": training})
    assert {event.reason for event in training.told} == {"the text of <string> cannot be read, or has changed"}


def test_an_agent_that_came_late_counts_no_epochs() -> None:
    training = Training(late=True)
    for epoch in range(3):
        for _ in training.batches():
            training.step()
        epoch += 1
    assert reasons(training) == {"the program changes the variable of `for epoch in range(3)"}
    training = Training(late=True)
    for _epoch in range(5, 8):
        for _ in training.batches(seen=False):
            training.step()
    assert [numbers(event) for event in training.told] == [(number, 3, -1, -1, -1) for number in range(3)]


def test_the_number_of_steps_asked_for_is_told() -> None:
    training = Training(stop_after=6)
    for _epoch in range(3):
        for _ in training.batches():
            training.step()
    assert {event.steps for event in training.told} == {6}


def test_too_many_places_are_given_up() -> None:
    training = Training()
    lines = "\n".join(["training.step()"] * 3 * MOST_PLACES)
    exec(lines, {"training": training})
    assert {event.reason for event in training.told} == {"steps end at too many places of the program"}
