"""Steps are divided into plain ones, pauses and the agent's own work, in bounded memory."""

from __future__ import annotations

from profilednn_tui.protocol.events import StepsEvent
from profilednn_tui.session.model.pauses import MOST_BLOCKS, RECENT_STEPS, PauseSeries

MS = 1_000_000


def series(durations_ms: list[float], flags: dict[int, int] | None = None, between_ms: float = 0.0) -> PauseSeries:
    """Steps of these durations; `flags` by the number of the step."""
    found, end_unix_ns = PauseSeries(), 10**18
    for number, duration_ms in enumerate(durations_ms, 1):
        end_unix_ns += int((duration_ms + between_ms) * MS)
        row = [end_unix_ns, int(duration_ms * MS), *[0] * 8, None, (flags or {}).get(number, 0)]
        found.add(StepsEvent(number, [row]))
    return found


def test_a_pause_belongs_to_the_step_after_it() -> None:
    found = series([100.0, *[10.0] * 20, 70.0, *[10.0] * 20])
    assert found.inside == {22: 60 * MS}
    assert {block.pace_ns for block in found.blocks} == {10 * MS}


def test_the_first_steps_tell_nothing() -> None:
    found = series([900.0, 50.0, 50.0, *[10.0] * 10])
    assert sum(block.steps for block in found.blocks) == 10
    assert found.inside == {}


def test_a_new_pace_is_no_pause_for_long() -> None:
    found = series([10.0] * 50 + [60.0] * 50)
    assert len(found.inside) < 15
    assert found.blocks[-1].pace_ns == 60 * MS


def test_profiled_steps_are_not_plain_and_the_work_between_steps_is_ours() -> None:
    found = series([10.0] * 20, {10: StepsEvent.PROFILED, 11: StepsEvent.DISTURBED}, between_ms=2.0)
    assert sum(block.steps for block in found.blocks) == 20 - 3 - 2
    assert found.own_ns == 19 * 2 * MS


def test_what_lies_between_two_epochs_is_no_pause_inside_them() -> None:
    found = series([10.0] * 50 + [70.0] + [10.0] * 49 + [20.0] + [10.0] * 20)
    before = sum(block.steps for block in found.blocks)
    found.begin_epoch(51)
    found.begin_epoch(101)
    assert found.inside == {}
    assert found.borders == {51: 60 * MS, 101: 10 * MS}
    assert sum(block.steps for block in found.blocks) == before - 1, "a short one was taken for a plain step"
    assert {block.pace_ns for block in found.blocks} == {10 * MS}


def test_a_border_that_is_told_a_step_too_early_is_found() -> None:
    found = series([10.0] * 50 + [70.0] + [10.0] * 20)
    found.begin_epoch(50)
    assert found.borders == {51: 60 * MS}


def test_a_border_long_ago_is_not_known() -> None:
    found = series([10.0] * (RECENT_STEPS + 100))
    found.begin_epoch(51)
    assert found.borders == {}


def test_a_million_steps_take_no_more_memory_than_a_thousand() -> None:
    found = series([10.0] * 3_000)
    assert len(found.blocks) <= MOST_BLOCKS
    assert sum(block.steps for block in found.blocks) == 2_997
    assert len({block.steps for block in found.blocks[:-1]}) == 1
