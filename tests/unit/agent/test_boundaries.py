"""What ends a step."""

from __future__ import annotations

from profilednn_tui.agent.boundaries import PATIENCE, PATIENCE_WITH_OPTIMIZER, Boundaries
from profilednn_tui.agent.timeline import Cut


class Thing:
    """Stands for an optimizer or a module: something that can be referred to weakly."""


def cut(now_ns: int) -> Cut:
    return Cut(now_ns, (now_ns,) * 7)


def test_every_update_of_the_only_optimizer_ends_a_step() -> None:
    boundaries, optimizer = Boundaries(lambda: True), Thing()

    assert [boundaries.on_optimizer(optimizer) for _ in range(3)] == [True, True, True]
    assert boundaries.source == "optimizer"


def test_the_first_of_two_optimizers_ends_the_step() -> None:
    boundaries, first, second = Boundaries(lambda: True), Thing(), Thing()

    assert [boundaries.on_optimizer(each) for each in (first, second, first, second)] == [True, False, True, False]


def test_an_optimizer_that_goes_on_alone_takes_over() -> None:
    boundaries, first, second = Boundaries(lambda: True), Thing(), Thing()

    told = [boundaries.on_optimizer(each) for each in (first, second, second, second)]

    assert told == [True, False, True, True]


def test_an_optimizer_after_one_that_is_gone_takes_over_at_once() -> None:
    boundaries = Boundaries(lambda: True)
    boundaries.on_optimizer(Thing())

    assert boundaries.on_optimizer(Thing())


def test_without_an_optimizer_the_loader_is_taken_with_its_first_steps() -> None:
    boundaries = Boundaries(lambda: False)
    settled = []
    for index in range(PATIENCE + 3):
        assert boundaries.on_batch()
        settled.append(len(boundaries.settle("dataloader", cut(index))))
        boundaries.backwards += 1

    assert settled == [0] * PATIENCE + [PATIENCE + 1, 1, 1]
    assert boundaries.source == "dataloader"
    assert "no torch optimizer" in boundaries.reason


def test_accumulation_with_an_optimizer_is_waited_for() -> None:
    boundaries, model = Boundaries(lambda: True), Thing()
    for index in range(PATIENCE_WITH_OPTIMIZER - 1):
        assert boundaries.on_forward(model)
        assert boundaries.settle("forward", cut(index)) == []
        boundaries.backwards += 1

    assert boundaries.on_optimizer(Thing())
    assert boundaries.source == "optimizer"


def test_only_calls_of_the_first_root_count() -> None:
    boundaries, encoder, decoder = Boundaries(lambda: False), Thing(), Thing()

    assert boundaries.on_forward(encoder)
    assert not boundaries.on_forward(decoder)


def test_an_optimizer_that_comes_late_is_the_better_sign() -> None:
    boundaries = Boundaries(lambda: False)
    for index in range(PATIENCE + 1):
        boundaries.settle("dataloader", cut(index))
    assert boundaries.source == "dataloader"

    assert boundaries.on_optimizer(Thing())
    assert not boundaries.on_batch()
    assert boundaries.source == "optimizer"
