"""Which thread trains, and whether others train beside it."""

from __future__ import annotations

import threading

from profilednn_tui.agent.steps.timeline import Timeline
from profilednn_tui.agent.steps.training_thread import TrainingThread


class Optimizer:
    """Anything that can be referred to weakly."""


def elsewhere(trainer: TrainingThread, optimizer: Optimizer, updates: int = 1) -> None:
    """Updates on a thread of their own."""
    thread = threading.Thread(target=lambda: [trainer.updates(optimizer) for _ in range(updates)])
    thread.start()
    thread.join()


def test_two_threads_that_update_in_turn_train_at_once() -> None:
    timeline = Timeline()
    trainer = TrainingThread(timeline)
    first, second = Optimizer(), Optimizer()
    assert trainer.updates(first)
    elsewhere(trainer, second)
    assert not timeline.others_train
    assert trainer.updates(first)
    assert timeline.others_train


def test_a_training_that_follows_another_one_is_not_beside_it() -> None:
    """Found in a review: its memory was not looked at, as the first thread still waited."""
    timeline = Timeline()
    trainer = TrainingThread(timeline)
    first, second = Optimizer(), Optimizer()
    for _ in range(3):
        assert trainer.updates(first)
    elsewhere(trainer, second, updates=40)
    assert not timeline.others_train


def test_a_training_that_moves_between_threads_is_one() -> None:
    timeline = Timeline()
    trainer = TrainingThread(timeline)
    optimizer = Optimizer()
    for _ in range(3):
        elsewhere(trainer, optimizer)
        assert trainer.updates(optimizer)
    assert not timeline.others_train
