"""The density of fast steps."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profilednn_tui.protocol.events import StepsEvent
from profilednn_tui.session.model.step_times import SLOT_NS
from profilednn_tui.session.step_times import StepSlot
from profilednn_tui.tui.present.density import SHADES, density_lines, shade_legend, shade_limits, slots_of
from profilednn_tui.tui.renderables.line import plain
from tests.tui.feeds import fast_steps


def slot(counts: dict[int, int], first: int = 1) -> StepSlot:
    return StepSlot(0, first, first + sum(counts.values()) - 1, counts)


def test_a_cell_is_darker_the_more_steps_it_holds() -> None:
    lines, _ = density_lines([slot({300: 1, 301: 128, 302: 12})], 512, 3)
    assert [plain(line) for line in lines] == ["▒", "█", "·"]


def test_a_single_slow_step_among_hundreds_is_seen() -> None:
    """A column was the mean of 512 steps."""
    lines, edges_ns = density_lines([slot({300: 511, 400: 1})], 512, 8)
    text = "".join(plain(line) for line in lines)
    assert sorted(text.replace(" ", "")) == sorted("█·")
    assert edges_ns[0] > 2 ** (400 / 16) > 2 ** (300 / 16) >= edges_ns[-1]


def test_a_time_without_steps_is_a_gap() -> None:
    lines, _ = density_lines([slot({300: 9}), None, slot({300: 9})], 128, 1)
    assert plain(lines[0])[1] == " "


@given(
    counts=st.dictionaries(st.integers(0, 63 * 16), st.integers(1, 5_000), min_size=1, max_size=30),
    height=st.integers(1, 50),
)
def test_every_step_is_in_its_row(counts: dict[int, int], height: int) -> None:
    lines, edges_ns = density_lines([slot(counts)], 128, height)
    assert len(lines) == height
    assert len(edges_ns) == height + 1
    assert all(higher > lower for higher, lower in pairwise(edges_ns))
    marked = {row for row, line in enumerate(lines) if plain(line) != " "}
    middles = [2.0 ** ((number + 0.5) / 16) for number in counts]
    assert marked == {row for middle in middles for row in range(height) if edges_ns[row] > middle > edges_ns[row + 1]}


@pytest.mark.parametrize("size", [128, 512, 4096, 10**7])
def test_each_shade_needs_more_steps_than_the_one_before(size: int) -> None:
    limits = shade_limits(size)
    assert limits[0] == 1
    assert all(later > earlier for earlier, later in pairwise(limits))
    assert shade_legend(size).split()[::2] == list(SHADES)


def test_columns_reach_back_further_than_the_newest_steps() -> None:
    steps = fast_steps(40_000)
    columns = slots_of(steps, SLOT_NS, 60)
    first = next(column for column in columns if column is not None)
    assert first.first == 1
    assert steps.numbers[0] > 20_000
    assert sum(sum(column.counts.values()) for column in columns if column is not None) == 40_000


def test_columns_of_less_than_a_slot_come_from_the_steps_themselves() -> None:
    columns = slots_of(fast_steps(2_000), SLOT_NS // 4, 200)
    known = [column for column in columns if column is not None]
    assert sum(sum(column.counts.values()) for column in known) == 2_000
    assert len(known) > 4
    assert all(column is not None for column in columns[-3:])


@pytest.mark.parametrize("column_ns", [SLOT_NS // 4, SLOT_NS, 8 * SLOT_NS])
def test_columns_keep_their_steps_so_that_they_only_move_as_a_whole(column_ns: int) -> None:
    before = [column for column in slots_of(fast_steps(10_000), column_ns, 500) if column is not None]
    after = [column for column in slots_of(fast_steps(10_001), column_ns, 500) if column is not None]
    assert before[:-1] == after[: len(before) - 1]


def test_a_clock_that_was_set_back_leaves_the_newest_column() -> None:
    steps = fast_steps(300)
    steps = replace(steps, end_unix_ns=(*steps.end_unix_ns[:-1], steps.end_unix_ns[0] - 10**15))
    assert slots_of(steps, SLOT_NS // 4, 20)[-1] is not None


def test_profiled_steps_are_marked() -> None:
    steps = fast_steps(100)
    steps = replace(steps, flags=(*steps.flags[:-1], StepsEvent.PROFILED))
    newest = slots_of(steps, SLOT_NS // 4, 5)[-1]
    assert newest is not None
    assert newest.profiled
