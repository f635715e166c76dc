"""The stacks of all threads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from profilednn_tui.session.view import Frame, Stacks, State, ThreadStack
from profilednn_tui.tui.screens.thread_stacks import SampleStacks, ThreadStacksScreen
from tests.tui.conftest import Watch
from tests.tui.feeds import FakeFeed, attached_view, running_view
from tests.tui.screen_text import screen_text


async def test_the_stacks_of_all_threads(watch: Watch) -> None:
    async with watch(FakeFeed(attached_view()), launched=False) as (app, pilot):
        await pilot.press("x")
        await pilot.pause()
        app.publish()
        await pilot.pause()
        assert isinstance(app.screen, ThreadStacksScreen)
        text = screen_text(app)
        assert "MainThread" in text
        assert "forward" in text
        assert "_call_impl" not in text
        await pilot.press("t")
        await pilot.pause()
        assert "_call_impl" in screen_text(app)


def sampler(asked: list[tuple[int, ...]]) -> SampleStacks:
    """Samples the worker of `running_view` in ``__getitem__``."""

    def sample(pids: Sequence[int]) -> Stacks:
        asked.append(tuple(pids))
        frames = (Frame("/home/me/train.py", 12, "main"), Frame("/home/me/model.py", 4, "__getitem__"))
        return Stacks((ThreadStack(4800, 4800, "pt_data_worker", False, False, frames),), (), 2_000)

    return sample


async def test_enter_on_a_worker_of_a_launched_target_shows_where_it_is(watch: Watch) -> None:
    """Issue 18: stacks were there only while attached."""
    asked: list[tuple[int, ...]] = []
    async with watch(FakeFeed(running_view()), sample_stacks=sampler(asked)) as (app, pilot):
        await pilot.press("4", "down", "enter")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert isinstance(app.screen, ThreadStacksScreen)
        assert "__getitem__" in screen_text(app)
        assert asked[0][0] == 4800, "the chosen worker first"
        await pilot.press("x")
        await app.workers.wait_for_complete()
        assert len(asked) == 2


async def test_a_target_that_has_ended_is_not_sampled(watch: Watch) -> None:
    asked: list[tuple[int, ...]] = []
    ended = replace(running_view(), live=False, state=State.ENDED)
    async with watch(FakeFeed(ended), sample_stacks=sampler(asked)) as (app, pilot):
        await pilot.press("x")
        await pilot.pause()
        assert "They can be sampled while the target is running." in screen_text(app)
    assert asked == []
