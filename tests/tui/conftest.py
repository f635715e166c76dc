"""The app with a fake session, without the user's environment."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from profilednn_tui.tui.app import ProfilerApp
from tests.tui.apps import following
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
    def run(
        feed: FakeFeed, size: tuple[int, int] = (120, 40), launched: bool = True, **options: Any
    ) -> AbstractAsyncContextManager[tuple[ProfilerApp, Pilot[None]]]:
        return following(ProfilerApp(feed, launched, lambda name, path: saved.append((name, path)), **options), size)

    return run
