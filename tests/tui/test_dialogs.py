"""Leaving, exporting, helping, talking to the agent and to the target."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from profilednn_tui.session.view import EMPTY_VIEW, State, Target
from profilednn_tui.tui.screens.choice import ChoiceScreen
from profilednn_tui.tui.screens.export import ExportScreen
from profilednn_tui.tui.screens.help import HelpScreen
from tests.tui.conftest import Watch
from tests.tui.feeds import FakeFeed, running_view
from tests.tui.screen_text import screen_text


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
    # Found by hand: q in the first half second after a launch left at once.
    async with watch(FakeFeed(running_view())) as (app, pilot):
        app.following.latest = EMPTY_VIEW
        await pilot.press("q")
        await pilot.pause()
        assert isinstance(app.screen, ChoiceScreen)


async def test_quitting_right_after_the_end_asks_nothing(watch: Watch) -> None:
    # Found by the overhead benchmark: for two seconds the screen did not know, and asked whether to stop the training.
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


async def test_typing_to_the_target(watch: Watch) -> None:
    feed = FakeFeed(running_view(), b"(Pdb) ")
    async with watch(feed) as (_, pilot):
        await pilot.press("6", "i", "c", "enter")
        await pilot.pause()
        assert feed.typed == b"c\n"


async def test_window_keys_command_the_agent(watch: Watch) -> None:
    feed = FakeFeed(running_view())
    async with watch(feed) as (app, pilot):
        await pilot.press("w", "p")
        feed.current = replace(feed.current, agent=replace(feed.current.agent, paused=True))
        app.follow_once()
        await pilot.press("p")
        assert [command.action for command in feed.commands] == ["window_now", "pause_windows", "resume_windows"]


async def test_choosing_another_rank(watch: Watch) -> None:
    feed = FakeFeed(running_view())
    async with watch(feed) as (app, pilot):
        await pilot.press("P")
        await pilot.pause()
        assert "rank 1  pid 4712" in screen_text(app)
        await pilot.press("down", "enter")
        await pilot.pause()
        assert feed.process == 4712


async def test_export_writes_the_chosen_format(watch: Watch, saved: list[tuple[str, Path]]) -> None:
    async with watch(FakeFeed(running_view())) as (app, pilot):
        await pilot.press("E")
        await pilot.pause()
        assert isinstance(app.screen, ExportScreen)
        await pilot.press("down")
        await pilot.pause()
        await pilot.press("enter", "enter")
        await pilot.pause()
        assert saved == [("json", Path("train.json"))]


async def test_help_lists_every_key_of_the_contract(watch: Watch) -> None:
    async with watch(FakeFeed(running_view()), (140, 60)) as (app, pilot):
        await pilot.press("question_mark")
        await pilot.pause()
        assert isinstance(app.screen, HelpScreen)
        text = screen_text(app)
        for key in ("q", "?", "/", "n", "N", "space", "enter", "esc", "z", "<", ">", "s", "e", "y", "E", "ctrl+p", "["):
            assert f" {key} " in text
        await pilot.press("escape")
        await pilot.pause()
        assert not isinstance(app.screen, HelpScreen)


async def test_the_palette_knows_our_actions(watch: Watch) -> None:
    async with watch(FakeFeed(running_view())) as (app, pilot):
        await pilot.press("ctrl+p")
        await pilot.pause()
        for _ in range(20):
            if "Take a window now" in screen_text(app):
                break
            await pilot.pause(0.05)
        assert "Take a window now" in screen_text(app)
