"""The app: quitting, pausing, commands to the agent and the target."""

from __future__ import annotations

import gc
from dataclasses import replace

import pytest

from profilednn_tui.session.view import (
    EMPTY_VIEW,
    SessionView,
    State,
    Target,
)
from profilednn_tui.tui.app import ProfilerApp
from profilednn_tui.tui.controllers.quitting import Parting
from profilednn_tui.tui.panels.operators import OperatorsPane
from profilednn_tui.tui.screens.choice import ChoiceScreen
from tests.tui.apps import OFFERS, app_with_optimizations
from tests.tui.conftest import Watch
from tests.tui.feeds import FakeFeed, attached_view, optimized_view, running_view, steps
from tests.tui.screen_text import screen_lines, screen_text


async def test_garbage_is_collected_from_the_first_picture_on(watch: Watch) -> None:
    gc.disable()  # as `run_app` does during imports
    try:
        async with watch(FakeFeed(running_view())):
            assert gc.isenabled()
    finally:
        gc.enable()


async def test_pausing_freezes_the_display_and_counts_what_came(watch: Watch) -> None:
    feed = FakeFeed(running_view(100))
    async with watch(feed) as (app, pilot):
        await pilot.press("space")
        feed.current = replace(feed.current, steps=steps(112))
        app.follow_once()
        await pilot.pause()
        assert "PAUSED +12 steps" in screen_text(app)
        assert "step 100" in screen_lines(app)[1]
        await pilot.press("space")
        await pilot.pause()
        assert "PAUSED" not in screen_text(app)
        assert "step 112" in screen_lines(app)[1]


async def test_brackets_step_through_windows_and_zero_goes_back(watch: Watch) -> None:
    feed = FakeFeed(running_view())
    async with watch(feed) as (app, pilot):
        await pilot.press("left_square_bracket", "left_square_bracket")
        await pilot.pause()
        assert feed.windows[-1] == 2
        assert "WINDOW 2" in screen_text(app)
        await pilot.press("right_square_bracket", "right_square_bracket")
        await pilot.pause()
        assert feed.windows[-1] is None
        await pilot.press("left_square_bracket", "0")
        await pilot.pause()
        assert "WINDOW" not in screen_text(app)


async def test_the_same_view_is_not_painted_again(watch: Watch) -> None:
    async with watch(FakeFeed(running_view())) as (app, pilot):
        pane = app.query_one(OperatorsPane)
        drawn: list[SessionView] = []
        pane.draw = drawn.append  # type: ignore[method-assign,assignment]
        app.follow_once()
        await pilot.pause()
        assert drawn == []


async def test_quitting_a_launched_training_asks_and_can_leave_it_running(watch: Watch) -> None:
    feed = FakeFeed(running_view())
    async with watch(feed) as (app, pilot):
        await pilot.press("q")
        await pilot.pause()
        assert isinstance(app.screen, ChoiceScreen)
        assert "The training is still running" in screen_text(app)
        await pilot.press("l")
        await pilot.pause()
        assert not app.is_running
    assert feed.typed == b""
    assert app.exit_code == 0


async def test_quitting_before_the_first_look_asks_too(watch: Watch) -> None:
    # Found by hand: q in the first half second after a launch quit without asking.
    async with watch(FakeFeed(running_view())) as (app, pilot):
        app.following.latest = EMPTY_VIEW
        await pilot.press("q")
        await pilot.pause()
        assert isinstance(app.screen, ChoiceScreen)


async def test_quitting_right_after_the_end_asks_nothing(watch: Watch) -> None:
    # Found by the overhead benchmark: for two seconds, the screen did not know and asked whether to stop training.
    feed = FakeFeed(running_view())
    async with watch(feed) as (app, pilot):
        feed.current = replace(feed.current, state=State.ENDED, live=False, target=Target("train.py", exit_code=0))
        await pilot.press("q")
        await pilot.pause()
        assert not app.is_running


async def test_stopping_sends_an_interrupt_and_leaves_when_the_target_has_ended(watch: Watch) -> None:
    feed = FakeFeed(running_view())
    async with watch(feed) as (app, pilot):
        await pilot.press("q")
        await pilot.pause()
        await pilot.press("s")
        await pilot.pause()
        assert feed.typed == b"\x03"
        assert app.is_running
        feed.current = replace(feed.current, state=State.ENDED, live=False, target=Target("train.py", exit_code=130))
        app._follow()
        await pilot.pause()
        assert not app.is_running
    assert app.exit_code == 130


async def test_quitting_asks_nothing_when_the_training_has_ended_or_is_not_ours(watch: Watch) -> None:
    ended = replace(running_view(), state=State.ENDED, live=False, target=Target("train.py", exit_code=3))
    async with watch(FakeFeed(ended)) as (app, pilot):
        await pilot.press("q")
        await pilot.pause()
        assert not app.is_running
    assert app.exit_code == 3
    async with watch(FakeFeed(running_view()), launched=False) as (app, pilot):
        await pilot.press("q")
        await pilot.pause()
        assert not app.is_running
    assert app.exit_code == 0


async def test_ctrl_c_goes_to_the_target(watch: Watch) -> None:
    feed = FakeFeed(running_view())
    async with watch(feed) as (app, pilot):
        await pilot.press("ctrl+c")
        await pilot.pause()
        assert feed.typed == b"\x03"
        assert app.is_running


async def test_ctrl_c_leaves_a_recording(watch: Watch) -> None:
    feed = FakeFeed(running_view())
    async with watch(feed, launched=False) as (app, pilot):
        await pilot.press("ctrl+c")
        await pilot.pause()
        assert not app.is_running
    assert feed.typed == b""


async def test_window_keys_command_the_agent(watch: Watch) -> None:
    feed = FakeFeed(running_view())
    async with watch(feed) as (app, pilot):
        await pilot.press("w", "p")
        feed.current = replace(feed.current, agent=replace(feed.current.agent, paused=True))
        app.follow_once()
        await pilot.press("p")
        assert [command.action for command in feed.commands] == ["window_now", "pause_windows", "resume_windows"]


async def test_windows_are_resumed_before_the_agent_has_answered(watch: Watch) -> None:
    """Pressing p twice paused twice: the agent answers at its next step, and until then it was said to take windows."""
    feed = FakeFeed(running_view())
    async with watch(feed) as (app, pilot):
        await pilot.press("p", "p", "p")
        assert [command.action for command in feed.commands] == ["pause_windows", "resume_windows", "pause_windows"]
        feed.current = replace(feed.current, agent=replace(feed.current.agent, paused=True))
        app.follow_once()
        await pilot.press("p")
        assert feed.commands[-1].action == "resume_windows"


async def test_choosing_another_rank(watch: Watch) -> None:
    feed = FakeFeed(running_view())
    async with watch(feed) as (app, pilot):
        await pilot.press("P")
        await pilot.pause()
        assert "rank 1  pid 4712" in screen_text(app)
        await pilot.press("down", "enter")
        await pilot.pause()
        assert feed.process == 4712


@pytest.mark.parametrize(("key", "parting"), [("d", Parting.DETACH), ("s", Parting.STAY)])
async def test_leaving_asks_what_becomes_of_the_agent(watch: Watch, key: str, parting: Parting) -> None:
    async with watch(FakeFeed(attached_view()), launched=False) as (app, pilot):
        await pilot.press("q")
        await pilot.pause()
        assert "Leave the training" in screen_text(app)
        await pilot.press(key)
        await pilot.pause()
        assert not app.is_running
    assert app.quitting.parting is parting


async def test_ctrl_c_asks_too_and_cancelling_stays(watch: Watch) -> None:
    feed = FakeFeed(attached_view())
    async with watch(feed, launched=False) as (app, pilot):
        await pilot.press("ctrl+c")
        await pilot.pause()
        await pilot.press("c")
        await pilot.pause()
        assert app.is_running
        assert app.quitting.parting is None
    assert feed.typed == b""


async def test_running_again_ends_the_training_first_and_asks_before() -> None:
    feed = FakeFeed(optimized_view())
    app = app_with_optimizations(feed)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        app.follow_once()
        await pilot.press("r")
        await pilot.pause()
        assert isinstance(app.screen, ChoiceScreen)
        assert "The training is still running" in screen_text(app)
        assert feed.typed == b""
        await pilot.press("r")
        await pilot.pause()
        assert feed.typed == b"\x03"
        assert app.is_running
        feed.current = replace(feed.current, state=State.ENDED, live=False)
        app._follow()
        await pilot.pause()
    assert app.quitting.rerun_with == frozenset({"channels_last"})


async def test_cancelling_leaves_all_as_it_is() -> None:
    feed = FakeFeed(optimized_view())
    app = app_with_optimizations(feed)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        app.follow_once()
        await pilot.press("r", "c")
        await pilot.pause()
        assert app.is_running
    assert feed.typed == b""
    assert app.quitting.rerun_with is None


async def test_of_somebody_elses_session_nothing_is_run_and_the_reason_is_said() -> None:
    """o ran the interpreter named in the file to list optimizations; r asked without saying what it would run."""
    feed = FakeFeed(optimized_view())
    feed.foreign = "It is [red]somebody[/nope] else's."
    asked: list[str] = []
    app = ProfilerApp(feed, False, lambda name, path: None, check=lambda: asked.append("asked") or OFFERS)  # type: ignore[func-returns-value]
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        app.follow_once()
        for key in ("o", "r", "w", "p"):
            await pilot.press(key)
            await pilot.pause()
            assert len(app.screen_stack) == 1, key
        assert feed.foreign in screen_text(app)
        await pilot.press("q")
    assert (asked, feed.commands, feed.typed, app.quitting.rerun_with, app.quitting.parting) == (
        [],
        [],
        b"",
        None,
        None,
    )


async def test_before_a_session_is_run_again_its_command_is_shown() -> None:
    app = ProfilerApp(FakeFeed(optimized_view()), True, lambda name, path: None, command="/bin/sh -c 'id [x]', in /tmp")
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        app.follow_once()
        await pilot.press("r")
        await pilot.pause()
        assert "/bin/sh -c 'id [x]', in /tmp" in screen_text(app)


async def test_a_look_at_the_session_while_a_screen_is_being_built_waits_for_it(watch: Watch) -> None:
    # Found by a test that failed under load: a refresh between push and composition ended the app.
    async with watch(FakeFeed(running_view())) as (app, pilot):
        app.action_optimizations()
        app.follow_once()
        await pilot.pause()
        app.follow_once()
        assert "Optimizations" in screen_text(app)


async def test_a_session_that_was_joined_for_some_steps_is_left_after_them() -> None:
    """Found by a tester: `attach SESSION --steps N` stayed until the end of the training."""
    app = ProfilerApp(FakeFeed(running_view()), False, lambda name, path: None, last_step=running_view().steps.count)
    async with app.run_test() as pilot:
        for _ in range(100):
            if app.return_code is not None:
                break
            await pilot.pause(0.02)
    assert app.return_code == 0
