"""The app over a fake session, without the user's environment."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from profilednn_tui.tui.app import ProfilerApp
from tests.tui.feeds import FakeFeed

Watch = Callable[..., AbstractAsyncContextManager[tuple[ProfilerApp, Pilot[None]]]]


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "TEXTUAL_THEME", "COLORFGBG", "TMUX", "VISUAL", "EDITOR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def saved() -> list[tuple[str, Path]]:
    return []


@pytest.fixture
def watch(saved: list[tuple[str, Path]]) -> Watch:
    @asynccontextmanager
    async def run(
        feed: FakeFeed, size: tuple[int, int] = (120, 40), launched: bool = True
    ) -> AsyncIterator[tuple[ProfilerApp, Pilot[None]]]:
        app = ProfilerApp(feed, launched, lambda name, path: saved.append((name, path)))
        async with app.run_test(size=size, notifications=True) as pilot:
            await pilot.pause()
            app.follow_once()
            await pilot.pause()
            yield app, pilot

    return run
