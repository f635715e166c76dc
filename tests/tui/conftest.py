"""The app with a fake session, without the user's environment."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from textual.css import stylesheet
from textual.css.model import RuleSet
from textual.pilot import Pilot

from profilednn_tui.tui.app import ProfilerApp
from tests.tui.apps import following
from tests.tui.feeds import FakeFeed

Watch = Callable[..., AbstractAsyncContextManager[tuple[ProfilerApp, Pilot[None]]]]


@pytest.fixture(autouse=True, scope="session")
def styles_parsed_once() -> Iterable[None]:
    """All apps here have the same style sheets: without this, each spends a fifth of its time on parsing them."""
    parsed: dict[tuple[Any, ...], list[RuleSet]] = {}
    parse = vars(stylesheet)["parse"]

    def remembered(scope: str, css: str, read_from: Any, *, variable_tokens: Any, **options: Any) -> list[RuleSet]:
        values = tuple((name, tuple(token.value for token in tokens)) for name, tokens in variable_tokens.items())
        key = (scope, css, read_from, values, tuple(options.items()))
        if key not in parsed:
            parsed[key] = list(parse(scope, css, read_from, variable_tokens=variable_tokens, **options))
        return parsed[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stylesheet, "parse", remembered)
        yield


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
