"""When the settings of a run are switched."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pytest

from profilednn_tui.agent.steps.switching import Switching, read_plan
from profilednn_tui.protocol.files import SWITCHING_PLAN
from profilednn_tui.protocol.switching import Setting, SwitchingPlan, decode_plan, encode_plan

PLAN = SwitchingPlan(3, 2, (Setting(("a",), 1), Setting(("b", "c")), Setting()))


class Torch:
    """torch's number of threads."""

    def __init__(self) -> None:
        self.threads = 4

    def get_num_threads(self) -> int:
        return self.threads

    def set_num_threads(self, count: int) -> None:
        self.threads = count


def switching(folder: Path, torch: Torch, plan: SwitchingPlan | None = PLAN) -> tuple[Switching, list[tuple[str, ...]]]:
    """And the names that were selected, switch by switch."""
    if plan is not None:
        (folder / SWITCHING_PLAN).write_text(encode_plan(plan))
    selected: list[tuple[str, ...]] = []

    def select(names: Collection[str]) -> None:
        selected.append(tuple(names))

    return Switching(torch, str(folder), select), selected


def test_each_block_has_its_setting_and_threads_come_back(tmp_path: Path) -> None:
    torch = Torch()
    one, selected = switching(tmp_path, torch)
    assert not one.is_due(100)
    one.begin(0)
    seen = []
    for steps in range(1, 12):
        if one.is_due(steps):
            one.switch()
            seen.append((steps, selected[-1], torch.threads))
    assert seen == [(3, ("a",), 1), (5, ("b", "c"), 4), (7, (), 4), (9, ("a",), 1), (11, ("b", "c"), 4)]


@pytest.mark.parametrize(("begun", "first"), [(0, 3), (2, 3), (3, 3), (4, 5), (5, 5), (6, 7), (100, 101)])
def test_a_plan_that_is_taken_up_later_goes_on_at_its_next_block(tmp_path: Path, begun: int, first: int) -> None:
    one, selected = switching(tmp_path, Torch())
    one.begin(begun)
    assert next(steps for steps in range(begun, begun + 10) if one.is_due(steps)) == first
    one.switch()
    assert selected == [PLAN.setting((first - 3) // 2).optimizations]


def test_a_number_of_threads_stays_until_the_end(tmp_path: Path) -> None:
    torch = Torch()
    one, _ = switching(tmp_path, torch)
    one.begin(0)
    one.switch()
    one.end()
    one.set_threads(2)
    assert (one.active, one.is_due(100), torch.threads) == (False, False, 2)
    one.restore()
    assert torch.threads == 4


def test_what_was_not_changed_is_not_restored(tmp_path: Path) -> None:
    torch = Torch()
    one, _ = switching(tmp_path, torch)
    torch.threads = 3  # the program has changed it
    one.restore()
    assert torch.threads == 3


def test_a_plan_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert decode_plan(encode_plan(PLAN)) == PLAN
    (tmp_path / SWITCHING_PLAN).write_text(encode_plan(PLAN))
    assert read_plan(str(tmp_path)) == PLAN


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"first_steps": 1, "block_steps": 0, "settings": [[[], 0]]}',
                                  '{"first_steps": 1, "block_steps": 1, "settings": []}'])  # fmt: skip
def test_without_a_readable_plan_nothing_is_switched(tmp_path: Path, text: str) -> None:
    assert read_plan(str(tmp_path)) is None
    (tmp_path / SWITCHING_PLAN).write_text(text)
    assert read_plan(str(tmp_path)) is None
