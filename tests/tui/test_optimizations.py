"""Switching optimizations on and running again."""

from __future__ import annotations

from dataclasses import replace

from textual.pilot import Pilot

from profilednn_tui.launch.optimizations import OptimizationDescription
from profilednn_tui.session.view import Optimization, SessionView, State, Target
from profilednn_tui.tui.app import ProfilerApp
from profilednn_tui.tui.screens.choice import ChoiceScreen
from profilednn_tui.tui.screens.optimizations import OptimizationsScreen
from tests.tui.feeds import FakeFeed, running_view
from tests.tui.screen_text import screen_text

OFFERS = (
    OptimizationDescription("bf16", "bfloat16 arithmetic", (), False, "this processor has none", "use another machine"),
    OptimizationDescription("channels_last", "images with channels last", (), False, "", ""),
    OptimizationDescription("compile", "torch.compile", ("ipex",), False, "", ""),
    OptimizationDescription("ipex", "Intel's extension", (), False, "", ""),
)


def view() -> SessionView:
    outcome = Optimization("channels_last", "on", "53 convolution weights and 1 input to channels last")
    target = Target("train.py", ("train.py",), optimizations=("channels_last",))
    return replace(running_view(), optimizations=(outcome,), target=target)


def app_over(feed: FakeFeed) -> ProfilerApp:
    return ProfilerApp(feed, True, lambda name, path: None, check=lambda: OFFERS, optimizations=("channels_last",))


async def open_optimizations(app: ProfilerApp, pilot: Pilot[None]) -> None:
    """Open the screen and wait until the target's environment has answered, in its thread."""
    await pilot.press("o")
    for _ in range(100):
        await app.workers.wait_for_complete()
        await pilot.pause(0.02)
        if isinstance(app.screen, OptimizationsScreen) and OFFERS[0].description in screen_text(app):
            return
    raise AssertionError("the optimizations were not checked")


async def test_the_pane_tells_availability_and_the_receipts_of_this_run() -> None:
    app = app_over(FakeFeed(view()))
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await open_optimizations(app, pilot)
        app.follow_once()
        await pilot.pause()
        text = screen_text(app)
    assert "this processor has none" in text
    assert "[x]" in text
    assert "on 53 convolution weights" in text
    assert "use another machine" in text, "the fix of the row under the cursor"


async def test_what_is_not_available_or_conflicts_cannot_be_chosen() -> None:
    app = app_over(FakeFeed(view()))
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await open_optimizations(app, pilot)
        await pilot.press("space")
        assert "bf16 is not available" in screen_text(app)
        await pilot.press("j", "j", "space", "j", "space")
        await pilot.pause()
        assert "ipex cannot be on together with compile" in screen_text(app)
        await pilot.press("r")
        await pilot.pause()
        assert "with channels_last, compile" in screen_text(app)


async def test_a_choice_stays_when_the_screen_is_opened_again() -> None:
    app = app_over(FakeFeed(view()))
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await open_optimizations(app, pilot)
        await pilot.press("j", "space", "j", "space")
        await pilot.pause()
        assert app.rerunning.chosen == {"compile"}
        await pilot.press("escape")
        await open_optimizations(app, pilot)
        assert [line.split()[2] for line in screen_text(app).splitlines() if "[x]" in line] == ["compile"]


async def test_running_again_ends_the_training_first_and_asks_before() -> None:
    feed = FakeFeed(view())
    app = app_over(feed)
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
    feed = FakeFeed(view())
    app = app_over(feed)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        app.follow_once()
        await pilot.press("r", "c")
        await pilot.pause()
        assert app.is_running
    assert feed.typed == b""
    assert app.quitting.rerun_with is None


async def test_the_header_names_what_is_switched_on() -> None:
    app = app_over(FakeFeed(view()))
    async with app.run_test(size=(120, 40)) as pilot:
        app.follow_once()
        await pilot.pause()
        assert "train.py +channels_last" in screen_text(app)


async def test_of_somebody_elses_session_nothing_is_run_and_the_reason_is_said() -> None:
    """The optimizations were asked of the interpreter that the file names; r asked without saying what it would run."""
    feed = FakeFeed(view())
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
    app = ProfilerApp(FakeFeed(view()), True, lambda name, path: None, command="/bin/sh -c 'id [x]', in /tmp")
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        app.follow_once()
        await pilot.press("r")
        await pilot.pause()
        assert "/bin/sh -c 'id [x]', in /tmp" in screen_text(app)
