"""What ends a step."""

from __future__ import annotations

import pytest

from profilednn_tui.agent.steps.boundaries import PATIENCE, PATIENCE_WITH_OPTIMIZER, Beginning, Boundaries, Leader, Mark
from profilednn_tui.agent.steps.timeline import Cut


class Thing:
    """A stand-in for an optimizer or a module that can be weakly referenced."""


def cut(now_ns: int) -> Cut:
    return Cut(now_ns, (now_ns,) * 8)


def mark(now_ns: int, loss: float | None = None) -> Mark:
    return Mark(cut(now_ns), loss)


class Program:
    """A minimal program: each method is a sign of training, one time unit after the previous; collects the marks."""

    def __init__(self, any_optimizer: bool = False) -> None:
        self.boundaries = Boundaries(lambda: any_optimizer)
        self.now = 0
        self.ends: list[int] = []
        self.losses: list[float | None] = []
        self.model = Thing()
        self.unended = False

    def _take(self, marks: list[Mark]) -> None:
        self.ends += [one.cut.now_ns for one in marks]
        self.losses += [one.loss for one in marks]

    def _mark(self) -> Mark:
        self.now += 1
        return mark(self.now, float(self.boundaries.backwards))

    def batch(self) -> None:
        now = self._mark()
        if self.boundaries.batch_may_end():
            self._take(self.boundaries.on_batch(now))

    def forward(self, module: Thing | None = None) -> None:
        now = self._mark()
        if self.boundaries.forward_may_end():
            self._take(self.boundaries.on_forward(module or self.model, now))

    def inference(self) -> None:
        now = self._mark()
        if self.boundaries.may_pause():
            self.boundaries.pause(now)

    def backward(self, keeps_graph: bool = False) -> None:
        self.now += 1
        self.boundaries.on_backward(keeps_graph)

    def update(self, optimizer: Thing) -> None:
        self._take(self.boundaries.on_update(optimizer, self._mark()))

    def end(self) -> None:
        marks, self.unended = self.boundaries.at_end(self._mark())
        self._take(marks)

    def train(self, steps: int, module: Thing | None = None) -> None:
        for _ in range(steps):
            self.forward(module)
            self.backward()


def led(leader: Leader, *things: Thing) -> list[list[int]]:
    """The marks at which steps ended, for each of the things, which occur at times 0, 1, 2..."""
    return [[one.cut.now_ns for one in leader.follow(thing, mark(now))] for now, thing in enumerate(things)]


def test_every_update_of_the_only_optimizer_ends_a_step() -> None:
    optimizer = Thing()

    assert led(Leader(), optimizer, optimizer, optimizer) == [[0], [1], [2]]


def test_the_first_of_two_optimizers_ends_the_step() -> None:
    first, second = Thing(), Thing()

    assert led(Leader(), first, second, first, second) == [[0], [], [2], []]


def test_an_optimizer_that_goes_on_alone_takes_over_and_no_step_is_lost() -> None:
    first, second = Thing(), Thing()

    assert led(Leader(), first, second, second, second) == [[0], [], [1, 2], [3]]


def test_two_optimizers_after_one_that_made_a_pretraining_end_one_step_together() -> None:
    pretraining, first, second = Thing(), Thing(), Thing()

    assert led(Leader(), pretraining, first, second, first, second) == [[0], [], [], [1, 3], []]


def test_an_optimizer_after_one_that_is_gone_takes_over_at_once() -> None:
    leader = Leader()
    led(leader, Thing())

    assert led(leader, Thing()) == [[0]]


def test_the_loss_of_an_update_that_waited_is_its_own() -> None:
    leader, first, second = Leader(), Thing(), Thing()
    leader.follow(first, mark(0, 1.0))
    leader.follow(second, mark(1, 2.0))

    assert [one.loss for one in leader.follow(second, mark(2, 3.0))] == [2.0, 3.0]


def test_without_an_optimizer_steps_end_at_the_next_forward_pass_from_the_first_on() -> None:
    program = Program()
    program.train(6)
    program.end()

    assert program.boundaries.source == "forward"
    assert program.ends == [3, 5, 7, 9, 11, 13]
    assert program.losses == [1, 2, 3, 4, 5, 6]
    assert "no torch optimizer" in program.boundaries.reason


def test_a_program_that_ends_before_patience_does_has_its_steps_all_the_same() -> None:
    program = Program(any_optimizer=True)
    program.train(2)
    program.end()

    assert program.losses == [1, 2]
    assert program.unended


def test_without_an_optimizer_the_loader_is_the_better_sign() -> None:
    program = Program()
    for _ in range(5):
        program.batch()
        program.train(2)  # one for a generator, one for its critic
    program.batch()
    program.end()

    assert program.boundaries.source == "dataloader"
    assert program.losses == [2, 4, 6, 8, 10]


def test_a_penalty_is_a_part_of_the_step() -> None:
    program = Program()
    for _ in range(6):
        program.forward()
        program.backward(keeps_graph=True)
        program.train(1)
    program.end()

    assert len(program.ends) == 6


def test_a_program_whose_backward_passes_all_keep_their_graph_trains_by_them() -> None:
    program = Program()
    for _ in range(6):
        program.forward()
        program.backward(keeps_graph=True)
    program.end()

    assert len(program.ends) == 6


def test_a_loader_that_is_asked_once_is_no_sign() -> None:
    program = Program()
    program.batch()
    program.train(6)
    program.end()

    assert (program.boundaries.source, len(program.ends)) == ("forward", 6)


def test_an_epoch_that_ends_is_no_step() -> None:
    program = Program()
    for _ in range(3):
        for _ in range(4):
            program.batch()
            program.train(1)
        program.batch()  # finds no more batches
    program.end()

    assert len(program.ends) == 12


def test_module_calls_without_gradients_end_nothing_but_tell_where_the_training_ended() -> None:
    program = Program()
    for _ in range(6):
        program.inference()
        program.train(1)
    after = program.now + 1
    for _ in range(7):
        program.inference()
    program.end()

    assert len(program.ends) == 6
    assert program.ends[-1] == after
    assert not program.unended


@pytest.mark.parametrize("any_optimizer", [False, True])
def test_a_program_that_never_trains_has_no_step(any_optimizer: bool) -> None:
    program = Program(any_optimizer)
    for _ in range(10 * PATIENCE):
        program.batch()
        program.forward()
        program.inference()
    program.end()

    assert program.ends == []
    assert program.boundaries.source is None


def test_accumulation_with_an_optimizer_is_waited_for() -> None:
    program = Program(any_optimizer=True)
    program.train(PATIENCE_WITH_OPTIMIZER - 1)
    program.update(Thing())

    assert program.boundaries.source == "optimizer"
    assert program.losses == [PATIENCE_WITH_OPTIMIZER - 1]


def test_an_optimizer_that_is_never_used_is_not_waited_for_for_ever() -> None:
    program = Program(any_optimizer=True)
    program.train(PATIENCE_WITH_OPTIMIZER + 10)

    assert program.boundaries.source == "forward"
    assert program.losses == list(range(1, PATIENCE_WITH_OPTIMIZER + 10))


def test_of_the_models_called_in_a_step_the_first_counts() -> None:
    program, encoder, decoder = Program(), Thing(), Thing()
    for _ in range(6):
        program.forward(encoder)
        program.forward(decoder)
        program.backward()
    program.end()

    assert program.losses == [1, 2, 3, 4, 5, 6]


def test_a_second_stage_with_another_model_goes_on() -> None:
    program, first, second = Program(), Thing(), Thing()
    program.train(6, first)
    program.train(6, second)
    program.end()

    assert program.losses == list(range(1, 13))


def test_an_optimizer_that_comes_late_is_the_better_sign_from_then_on() -> None:
    program, optimizer = Program(), Thing()
    program.train(6)
    for _ in range(3):
        program.train(1)
        program.update(optimizer)
    program.end()

    assert program.boundaries.source == "optimizer"
    assert program.losses == list(range(1, 10))


def test_the_first_step_begins_with_the_batch_of_the_first_forward_pass() -> None:
    beginning, model = Beginning(), Thing()
    beginning.on_batch(lambda: cut(1))
    beginning.on_inference()  # a teacher
    beginning.on_forward(model, lambda: cut(2))

    assert beginning.cut == cut(1)


def test_an_evaluation_before_the_training_is_in_no_step() -> None:
    beginning, model = Beginning(), Thing()
    for now in range(3):
        beginning.on_batch(lambda now=now: cut(now))  # type: ignore[misc]
        beginning.on_inference()
    beginning.on_batch(lambda: cut(3))
    beginning.on_last_batch()
    beginning.on_forward(model, lambda: cut(10))

    assert beginning.cut == cut(10)


def test_a_model_called_to_see_its_shapes_does_not_begin_the_first_step_of_a_loader() -> None:
    beginning, model = Beginning(), Thing()
    beginning.on_forward(model, lambda: cut(1))
    beginning.on_batch(lambda: cut(2))
    beginning.on_forward(model, lambda: cut(3))

    assert beginning.cut == cut(2)


def test_a_rollout_with_gradients_begins_the_first_step() -> None:
    beginning, policy = Beginning(), Thing()
    for now in range(1, 9):
        beginning.on_forward(policy, lambda now=now: cut(now))  # type: ignore[misc]

    assert beginning.cut == cut(1)
