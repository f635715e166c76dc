"""The training thread's time, divided among phases, on a fake clock."""

from __future__ import annotations

from itertools import pairwise

import pytest

from profilednn_tui.agent.steps.timeline import BACKWARD, DATA, FORWARD, INFERENCE, Timeline
from profilednn_tui.protocol.vocabulary import PHASES


class Clock:
    """A clock that advances only when told to."""

    def __init__(self) -> None:
        self.now_ns = 0

    def __call__(self) -> int:
        return self.now_ns


class Story:
    """A timeline with its clock; each method spends some time in one state."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.timeline = Timeline(self.clock)
        self.begin = self.timeline.cut()

    def wait(self, duration_ns: int) -> None:
        self.clock.now_ns += duration_ns

    def call(self, phase: int, duration_ns: int) -> None:
        previous = self.timeline.enter(phase, self.clock.now_ns)
        self.wait(duration_ns)
        self.timeline.leave(previous)

    def forward(self, duration_ns: int, is_loss: bool = False) -> None:
        self.timeline.enter(FORWARD, self.clock.now_ns)
        self.wait(duration_ns)
        self.timeline.leave_forward(is_loss)

    def phases(self) -> dict[str, int]:
        cut = self.timeline.cut()
        phases = dict(zip(PHASES, cut.phases_since(self.begin), strict=True))
        assert sum(phases.values()) == cut.now_ns - self.begin.now_ns
        return {name: duration_ns for name, duration_ns in phases.items() if duration_ns}


def test_a_plain_step_has_all_phases() -> None:
    story = Story()
    story.call(DATA, 1)
    story.wait(2)
    story.forward(10)
    story.wait(20)
    story.call(BACKWARD, 100)
    story.timeline.enter_optimizer(story.clock.now_ns)
    story.wait(1000)
    story.timeline.leave_optimizer()
    story.wait(10000)

    assert story.phases() == {
        "data": 1,
        "forward": 10,
        "loss": 20,
        "backward": 100,
        "optimizer": 1000,
        "other": 10002,
    }


def test_time_after_a_forward_pass_without_backward_is_other() -> None:
    story = Story()
    story.forward(10)
    story.wait(20)

    assert story.phases() == {"forward": 10, "other": 20}


def test_a_loss_module_and_what_leads_to_it_are_loss() -> None:
    story = Story()
    story.forward(10)
    story.wait(1)
    story.forward(5, is_loss=True)
    story.wait(2)
    story.call(BACKWARD, 100)

    assert story.phases() == {"forward": 10, "loss": 8, "backward": 100}


def test_time_between_two_models_is_no_loss() -> None:
    story = Story()
    story.forward(10)
    story.wait(3)
    story.forward(10)
    story.wait(1)
    story.call(BACKWARD, 100)

    assert story.phases() == {"forward": 20, "loss": 1, "backward": 100, "other": 3}


def test_a_closure_inside_the_optimizer_keeps_its_own_phases() -> None:
    story = Story()
    story.timeline.enter_optimizer(story.clock.now_ns)
    story.wait(1)
    story.forward(10)
    story.wait(20)
    story.call(BACKWARD, 100)
    story.wait(2)
    story.timeline.leave_optimizer()

    assert story.phases() == {"forward": 10, "loss": 20, "backward": 100, "optimizer": 3}


def test_a_gradient_inside_the_forward_pass_counts_as_backward() -> None:
    story = Story()
    story.timeline.enter(FORWARD, story.clock.now_ns)
    story.wait(10)
    story.call(BACKWARD, 100)
    story.wait(5)
    story.timeline.leave_forward(is_loss=False)

    assert story.phases() == {"forward": 15, "backward": 100}


def test_a_call_is_busy_until_it_returns() -> None:
    story = Story()
    assert not story.timeline.busy
    previous = story.timeline.enter(DATA, story.clock.now_ns)
    assert story.timeline.busy
    story.timeline.leave(previous)
    assert not story.timeline.busy


def test_skipped_time_belongs_to_no_phase() -> None:
    story = Story()
    story.forward(10)
    cut = story.timeline.cut()
    story.wait(500)
    story.timeline.skip()
    story.wait(7)
    after = story.timeline.cut()

    assert sum(after.phases_since(cut)) == 7


def test_a_teacher_between_forward_and_backward_leaves_the_loss_open() -> None:
    story = Story()
    story.forward(10)
    story.wait(1)
    story.call(INFERENCE, 40)
    story.wait(2)
    story.call(BACKWARD, 100)

    assert story.phases() == {"forward": 10, "inference": 40, "loss": 3, "backward": 100}


def test_a_validation_between_updates_is_inference_and_what_lies_between_is_other() -> None:
    story = Story()
    for _ in range(3):
        story.call(INFERENCE, 5)
        story.wait(1)

    assert story.phases() == {"inference": 15, "other": 3}


def test_a_training_inside_a_call_without_gradients_keeps_its_own_phases() -> None:
    story = Story()
    previous = story.timeline.enter(INFERENCE, story.clock.now_ns)
    story.wait(1)
    story.call(BACKWARD, 100)
    story.wait(2)
    story.timeline.leave(previous)

    assert story.phases() == {"inference": 3, "backward": 100}


def test_a_step_that_ends_inside_a_call_without_gradients_has_all_of_its_time() -> None:
    story = Story()
    story.forward(10)
    story.wait(3)
    previous = story.timeline.enter(INFERENCE, story.clock.now_ns)
    story.wait(4)

    assert story.phases() == {"forward": 10, "inference": 4, "other": 3}
    story.timeline.leave(previous)


def test_a_backward_pass_in_another_thread_is_backward_while_the_training_thread_waits() -> None:
    story = Story()
    story.forward(10)
    story.wait(2)
    began_ns = story.clock.now_ns
    story.wait(100)
    story.timeline.backward_elsewhere(began_ns)
    story.wait(3)
    story.timeline.enter_optimizer(story.clock.now_ns)
    story.wait(1)
    story.timeline.leave_optimizer()

    assert story.phases() == {"forward": 10, "loss": 2, "backward": 100, "optimizer": 1, "other": 3}


def test_a_backward_pass_in_another_thread_that_nobody_waited_for_changes_nothing() -> None:
    story = Story()
    began_ns = story.clock.now_ns
    story.wait(5)
    story.timeline.backward_elsewhere(began_ns)
    story.forward(10)
    story.wait(1)

    assert story.phases() == {"forward": 10, "other": 6}


def test_a_trace_holds_each_interval_with_its_phase() -> None:
    story = Story()
    story.timeline.trace()
    story.wait(5)  # our own work
    story.timeline.skip()
    story.call(DATA, 1)
    story.forward(10)
    story.wait(20)
    story.call(INFERENCE, 3)
    story.wait(7)
    story.call(BACKWARD, 100)
    story.timeline.enter_optimizer(story.clock.now_ns)
    story.wait(1000)
    story.timeline.leave_optimizer()

    ends, phases = story.timeline.traced()
    pairs = zip(pairwise(ends), phases[1:], strict=True)
    spans = [(end - begin, PHASES[phase]) for (begin, end), phase in pairs if end > begin]
    assert (ends[:2], phases[:2]) == ([0, 5], [-1, -1])
    assert spans[1:] == [
        (1, "data"), (10, "forward"), (20, "loss"), (3, "inference"), (7, "loss"), (100, "backward"),
        (1000, "optimizer"),
    ]  # fmt: skip


def test_without_a_trace_nothing_is_kept() -> None:
    story = Story()
    story.timeline.trace()
    story.timeline.traced()
    story.forward(10)
    assert story.timeline.traced() == ([], [])


@pytest.mark.parametrize(("phase", "name"), [(FORWARD, "forward"), (BACKWARD, "backward"), (DATA, "data")])
def test_waiting_for_other_ranks_is_communication_wherever_it_happens(phase: int, name: str) -> None:
    story = Story()
    previous = story.timeline.enter(phase, story.clock.now_ns)
    story.wait(5)
    began_ns = story.clock.now_ns
    story.wait(20)
    story.timeline.waited(began_ns, story.clock.now_ns)
    story.wait(7)
    story.timeline.leave(previous)
    assert story.phases() == {name: 12, "communication": 20}


def test_a_wait_between_forward_and_backward_leaves_the_loss_open() -> None:
    story = Story()
    story.forward(10)
    story.wait(3)
    began_ns = story.clock.now_ns
    story.wait(20)
    story.timeline.waited(began_ns, story.clock.now_ns)
    story.wait(4)
    story.call(BACKWARD, 100)
    assert story.phases() == {"forward": 10, "communication": 20, "loss": 7, "backward": 100}


def test_a_wait_is_in_the_trace_of_a_window() -> None:
    story = Story()
    story.timeline.trace()
    previous = story.timeline.enter(BACKWARD, story.clock.now_ns)
    story.wait(5)
    began_ns = story.clock.now_ns
    story.wait(20)
    story.timeline.waited(began_ns, story.clock.now_ns)
    story.timeline.leave(previous)
    ends_ns, places = story.timeline.traced()
    lengths_ns = [end - began for began, end in pairwise(ends_ns)]
    spans = [(length, PHASES[place]) for length, place in zip(lengths_ns, places[1:], strict=True) if length]
    assert spans == [(5, "backward"), (20, "communication")]


def test_a_wait_that_began_before_the_step_counts_from_its_beginning() -> None:
    story = Story()
    began_ns = story.clock.now_ns
    story.wait(8)
    story.timeline.cut()
    story.begin = story.timeline.cut()
    story.wait(3)
    story.timeline.waited(began_ns, story.clock.now_ns)
    assert story.phases() == {"communication": 3}
