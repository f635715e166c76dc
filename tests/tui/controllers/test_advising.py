"""When the rules are asked."""

from __future__ import annotations

from dataclasses import replace

from profilednn_tui.session.proof import Effect, TrackRecord
from profilednn_tui.session.view import SessionView
from profilednn_tui.tui.app import ProfilerApp
from profilednn_tui.tui.controllers.advising import Advised
from tests.tui.advised import ADVICE, PROOF, THREADS, advised_app
from tests.tui.apps import following, save_nothing
from tests.tui.feeds import FakeFeed, running_view, steps
from tests.tui.pictures import come_to_rest


def counting_app(asked: list[SessionView]) -> ProfilerApp:
    """An app that notes what the rules are asked about."""
    app = advised_app()

    def ask(view: SessionView) -> None:
        asked.append(view)
        app.post_message(Advised(ADVICE, 0.0))

    app.advising._ask = ask  # type: ignore[method-assign]
    return app


def change(app: ProfilerApp, count: int) -> SessionView:
    """The session goes on."""
    feed = app._feed
    assert isinstance(feed, FakeFeed)
    feed.current = replace(feed.current, steps=steps(count))
    app.follow_once()
    return feed.current


async def test_a_state_of_the_session_is_asked_about_once() -> None:
    asked: list[SessionView] = []
    async with following(counting_app(asked)) as (app, pilot):
        await come_to_rest(app, pilot)
        app.advising._rested()
        await come_to_rest(app, pilot)
        assert len(asked) == 1


async def test_rules_rest_before_they_look_at_the_newest_state() -> None:
    asked: list[SessionView] = []
    async with following(counting_app(asked)) as (app, pilot):
        await come_to_rest(app, pilot)
        change(app, 101)
        newest = change(app, 102)
        await come_to_rest(app, pilot)
        assert len(asked) == 1
        app.advising._rested()
        await come_to_rest(app, pilot)
        assert asked[1:] == [newest]


async def test_what_the_screen_holds_still_is_not_asked_about() -> None:
    asked: list[SessionView] = []
    async with following(counting_app(asked)) as (app, pilot):
        await come_to_rest(app, pilot)
        app.advising._rested()
        await pilot.press("space")
        change(app, 101)
        await pilot.press("left_square_bracket")
        await come_to_rest(app, pilot)
        assert len(asked) == 1, "a pause, and a single window"
        await pilot.press("0", "space")
        await come_to_rest(app, pilot)
        assert len(asked) == 2


async def test_the_rules_are_asked_in_a_thread_and_know_what_was_tried_before() -> None:
    view = running_view()
    tried = (replace(PROOF, rule="python-overhead", session="mine"), replace(PROOF, rule="python-overhead"))
    app = ProfilerApp(FakeFeed(view), False, save_nothing, session="mine", proofs=lambda: tried)
    async with following(app) as (_, pilot):
        await come_to_rest(app, pilot)
        advice = app.advising.findings.advice
        assert advice is not None
        first = advice.findings[0]
        assert first.rule == "python-overhead"
        assert first.measured == tried[0]
        assert first.record == TrackRecord(helped=2)


async def test_what_was_just_measured_survives_the_next_answer_of_the_rules() -> None:
    async with following(advised_app()) as (app, pilot):
        await come_to_rest(app, pilot)
        newer = replace(PROOF, effect=Effect.NO_DIFFERENCE)
        app.advising.measured(newer)
        app.advising.take(Advised(ADVICE, 0.0))
        await pilot.pause()
        advice = app.advising.findings.advice
        assert advice is not None
        assert {one.rule: one.measured for one in advice.findings}[THREADS.rule] == newer
