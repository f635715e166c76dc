"""How many steps and epochs are left, from what the agent has told of the loops."""

from __future__ import annotations

import pytest

from profilednn_tui.protocol.events import TotalEvent
from profilednn_tui.session.model.total import MOST_NUMBER, Outstanding, TotalSeries, UnknownTotalError
from tests.unit.session.recordings import epoch, total


def left(step: int, *events: TotalEvent, epochs: int | None = None) -> Outstanding:
    series = TotalSeries()
    for event in events:
        series.add(event)
    return series.outstanding(step, epochs)


def unknown(step: int, *events: TotalEvent, epochs: int | None = None) -> str:
    with pytest.raises(UnknownTotalError) as error:
        left(step, *events, epochs=epochs)
    return str(error.value)


def test_nothing_is_known_before_the_agent_has_told_anything() -> None:
    assert unknown(5) == "nothing has told yet how long the training is"


def test_nothing_is_known_before_one_validation_was_seen() -> None:
    assert unknown(45, epoch(0, 1)) == "what lies between two epochs has not been seen yet"


def test_epochs_and_steps_are_counted_from_the_second_epoch_on() -> None:
    found = left(60, epoch(0, 1), epoch(1, 51))
    assert (found.steps, found.borders, found.epochs, found.all_steps) == (940, 19, 20, 1000)
    assert found.second_epoch == 51
    assert not found.is_at_border
    assert left(100, epoch(0, 1), epoch(1, 51)).is_at_border


def test_the_last_epoch_ends_with_a_border_too() -> None:
    found = left(1000, epoch(0, 1), epoch(1, 51), epoch(19, 951))
    assert (found.steps, found.borders, found.is_at_border) == (0, 1, True)


def test_accumulated_batches_make_fewer_steps() -> None:
    one_pass = {"passes": 1, "length": 400}
    found = left(20, epoch(0, 1, **one_pass, step=10, place=40), epoch(0, 1, **one_pass, step=20, place=80))
    assert (found.steps, found.borders) == (80, 1)


def test_a_loader_that_is_a_batch_ahead_does_not_mislead() -> None:
    one_pass = {"passes": 1, "length": 400}
    events = [epoch(0, 1, **one_pass, step=step, place=step + 1) for step in (1, 9)]
    assert left(9, *events).all_steps == 400


def test_epochs_that_are_every_second_pass_count_once() -> None:
    found = left(60, epoch(0, 1, passes=40), epoch(2, 51, passes=40))
    assert (found.steps, found.borders, found.epochs) == (940, 19, 20)


def test_epochs_of_different_lengths_leave_the_number_of_steps_uncertain() -> None:
    found = left(160, *(epoch(number, first) for number, first in enumerate((1, 46, 101, 148))))
    assert found.all_steps == pytest.approx(20 * 49, abs=1)
    assert found.steps_deviation > 4


def test_an_own_loop_of_steps_tells_where_it_is() -> None:
    found = left(30, total(20, passes=1, length=1000, place=20), total(28, passes=1, length=1000, place=28))
    assert (found.steps, found.all_steps) == (970, 1000)


def test_own_nested_loops_begin_an_epoch_before_they_are_read() -> None:
    series = TotalSeries()
    assert series.add(total(30, place=30)) is None
    assert series.add(total(80, pass_number=1, place=30)) == 51
    assert series.add(total(88, pass_number=1, place=38)) is None


def test_a_given_number_of_steps_ends_the_training_first() -> None:
    found = left(60, epoch(0, 1, steps=300), epoch(1, 51, steps=300))
    assert (found.steps, found.borders, found.epochs, found.all_steps) == (240, 4, None, 300)
    found = left(5, epoch(0, 1, steps=30))
    assert (found.steps, found.borders) == (25, 0), "no epoch ends before that"


def test_the_user_s_number_counts_where_the_loops_tell_none() -> None:
    reason = "the number of iterations of `while True` is not known"
    endless = {"passes": -1, "length": -1, "source": "", "reason": reason}
    events = epoch(0, 1, **endless), epoch(1, 51, **endless)
    assert unknown(60, *events) == reason
    found = left(60, *events, epochs=10)
    assert (found.epochs, found.all_steps, found.source) == (10, 500, "--epochs 10")
    assert left(60, epoch(0, 1), epoch(1, 51), epochs=10).epochs == 20


def test_a_training_that_goes_on_is_unknown_again() -> None:
    assert "goes on" in unknown(2000, epoch(0, 1), epoch(1, 51))
    assert "goes on" in unknown(60, epoch(0, 1), epoch(20, 51))


def test_another_training_in_the_same_process_starts_anew() -> None:
    before = epoch(0, 1), epoch(19, 951)
    assert unknown(1010, *before, epoch(0, 1001)) == "what lies between two epochs has not been seen yet"
    assert left(1060, *before, epoch(0, 1001), epoch(1, 1051)).all_steps == 2000


def test_numbers_that_no_training_has_are_rejected() -> None:
    with pytest.raises(ValueError, match="more steps than any has"):
        TotalSeries().add(total(1, passes=MOST_NUMBER))
