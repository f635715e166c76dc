"""What steps allocate, as torch's profiler tells it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import nn

from profilednn_tui.agent.isolation.guard import Guard
from profilednn_tui.agent.memory.allocation_window import AllocationWindow
from profilednn_tui.agent.memory.allocations import Change, summarize
from profilednn_tui.agent.steps.timeline import BACKWARD, DATA, FORWARD, Timeline
from profilednn_tui.agent.windows.phase_spans import PhaseSpans
from profilednn_tui.agent.windows.torch_profiler import TorchProfiler
from profilednn_tui.protocol.events import AllocationsEvent, NoticeEvent, StepsEvent
from profilednn_tui.protocol.vocabulary import GRADIENTS, INPUTS, PEAK_KINDS, PHASES, SAVED, TEMPORARY

MB = 1 << 20
_FORWARD, _BACKWARD, _OTHER = (PHASES.index(name) for name in ("forward", "backward", "other"))
SPANS = PhaseSpans(
    [0, 10, 40, 80, 100, 110, 140, 180, 200],
    [-1, _OTHER, _FORWARD, _BACKWARD, _OTHER, _OTHER, _FORWARD, _BACKWARD, _OTHER],
)
"""Two steps of 100 ns each."""


def kinds(rows: list[list[int]]) -> dict[str, int]:
    return {PEAK_KINDS[kind]: size for kind, size in rows}


def test_a_block_is_for_what_its_phases_say() -> None:
    found = summarize(
        [
            Change(102, 1, 5, ""),  # an input
            Change(115, 2, 100, "relu"),  # saved for the backward pass
            Change(116, 3, 7, "conv"),  # temporary
            Change(117, 3, -7, "conv"),
            Change(145, 4, 30, "mm"),  # a gradient
            Change(146, 5, 20, "mm"),  # temporary, at the peak
            Change(147, 5, -20, "mm"),
            Change(150, 2, -100, "relu"),
            Change(195, 1, -5, ""),
        ],
        SPANS,
        100,
        200,
    )
    assert found.peak_bytes == 155
    assert found.peak_ns == 46
    assert kinds(found.peak) == {SAVED: 100, GRADIENTS: 30, INPUTS: 5, TEMPORARY: 20}
    assert found.end_bytes == 30
    assert found.kept == []
    assert [[found.strings[name] if name >= 0 else "", *rest] for name, *rest in found.owners][:2] == [
        ["relu", PEAK_KINDS.index(SAVED), 100, 1],
        ["mm", PEAK_KINDS.index(GRADIENTS), 30, 1],
    ]


def test_the_first_step_tells_what_the_second_frees() -> None:
    gradient = [Change(50, 1, 40, "mm"), Change(105, 1, -40, ""), Change(150, 1, 40, "mm")]
    found = summarize([*gradient, Change(160, 2, 30, "mm"), Change(170, 2, -30, "mm")], SPANS, 100, 200)
    assert found.freed_bytes == 40
    assert found.end_bytes == 0, "gradients are freed and made again"
    assert found.peak_bytes == 30
    assert kinds(found.peak) == {GRADIENTS: 40, TEMPORARY: 30}
    assert found.kept == []


def test_what_the_first_step_leaves_is_kept() -> None:
    found = summarize([Change(20, 1, 64, "relu"), Change(60, 2, 9, "mm")], SPANS, 100, 200)
    assert found.kept == [[_FORWARD, 64], [_BACKWARD, 9]]


def test_memory_that_was_allocated_before_is_not_guessed_at() -> None:
    found = summarize([Change(120, 9, -1000, "mm"), Change(121, 1, 8, "mm")], SPANS, 100, 200)
    assert (found.peak_bytes, found.end_bytes) == (8, 8)


def test_each_phase_has_its_highest_level() -> None:
    found = summarize(
        [Change(115, 1, 50, ""), Change(120, 2, 10, ""), Change(130, 2, -10, ""), Change(150, 1, -50, "")],
        SPANS, 100, 200,
    )  # fmt: skip
    highest = {PHASES[phase]: (level, allocated, number) for phase, level, allocated, number in found.phases}
    assert highest["forward"] == (60, 60, 2)
    assert highest["backward"] == (50, 0, 0)
    assert highest["other"] == (0, 0, 0)


class Fixture:
    """A window on this thread."""

    def __init__(self) -> None:
        self.errors: list[Any] = []
        self.reported: list[Any] = []
        self.profiler = TorchProfiler(torch, Guard(self.errors.append))
        self.timeline = Timeline()
        self.window = AllocationWindow(self.profiler, self.timeline, self.reported.append)

    def call(self, phase: int, work: Any) -> Any:
        previous = self.timeline.enter(phase, self.timeline.now())
        try:
            return work()
        finally:
            if phase == FORWARD:
                self.timeline.leave_forward(is_loss=False)
            else:
                self.timeline.leave(previous)


@pytest.fixture
def fixture() -> Iterator[Fixture]:
    made = Fixture()
    yield made
    made.profiler.remove()


def test_a_real_step_has_its_activations_and_gradients(fixture: Fixture, capfd: pytest.CaptureFixture[str]) -> None:
    model = nn.Linear(512, 512, bias=False)
    assert fixture.window.start() == StepsEvent.PROFILED
    for step in (1, 2):
        model.zero_grad()
        inputs = fixture.call(DATA, lambda: torch.ones(1024, 512))
        output = fixture.call(FORWARD, lambda inputs=inputs: model(inputs).sin())
        loss = output.sum()
        fixture.call(BACKWARD, loss.backward)
        fixture.timeline.cut()
        flags = fixture.window.end_step(step, 1_000_000, 500_000)
        assert flags == (StepsEvent.PROFILED if step == 1 else 0)
        fixture.timeline.skip()
    assert not fixture.window.begun
    (event,) = fixture.reported
    assert isinstance(event, AllocationsEvent)
    assert event.step == 2
    at_peak = kinds(event.peak)
    assert at_peak[SAVED] >= 2 * MB, "the input of sin"
    assert at_peak.get(INPUTS, 0) in (0, 2 * MB)
    assert event.peak_bytes >= 4 * MB
    assert {PHASES[phase] for phase, *_ in event.phases} >= {"forward", "backward"}
    assert event.kept == [] or sum(size for _, size in event.kept) < MB
    assert "aten::sin" in event.strings
    assert fixture.window.spent_ns >= 1_000_000
    assert "Memory block" not in capfd.readouterr().err, "torch's warnings are not for the program"


def test_a_graph_that_is_kept_shows_as_kept(fixture: Fixture) -> None:
    model, kept = nn.Linear(512, 512, bias=False), []
    fixture.window.start()
    for step in (1, 2):
        output = fixture.call(FORWARD, lambda: model(torch.ones(1024, 512)).sin().sum())
        kept.append(output)
        fixture.timeline.cut()
        fixture.window.end_step(step, 1_000_000, 1_000_000)
    (event,) = fixture.reported
    assert dict(map(tuple, event.kept)).get(_FORWARD, 0) >= 2 * MB


def test_a_window_that_was_given_up_says_so(fixture: Fixture) -> None:
    fixture.window.start()
    fixture.window.give_up()
    assert fixture.window.end_step(1, 1_000_000, 1_000_000) == 0
    (notice,) = fixture.reported
    assert isinstance(notice, NoticeEvent)
    assert "given up" in notice.text
    assert not fixture.window.begun


def test_the_program_own_profiler_comes_first(fixture: Fixture) -> None:
    with torch.profiler.profile():
        assert fixture.window.start() == 0
    (notice,) = fixture.reported
    assert "torch.profiler itself" in notice.text
