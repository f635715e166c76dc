"""From an operator to its stacks, its source code and the editor."""

from __future__ import annotations

import pytest

from profilednn_tui.tui.app import ProfilerApp
from tests.tui.conftest import Watch
from tests.tui.feeds import FakeFeed, running_view
from tests.tui.screen_text import screen_text


def toasts(app: ProfilerApp) -> str:
    return " ".join(notification.message for notification in app._notifications)


async def test_enter_leads_to_stacks_then_to_the_source_line_and_escape_back(watch: Watch) -> None:
    async with watch(FakeFeed(running_view())) as (app, pilot):
        await pilot.press("down", "enter")
        await pilot.pause()
        text = screen_text(app)
        assert "Operators › aten::mm" in text
        assert "Called from" in text
        assert "me/model.py:4" in text
        assert "y = self.conv(x)" in text, "the preview shows the innermost line"
        await pilot.press("enter")
        await pilot.pause()
        text = screen_text(app)
        assert "Operators › aten::mm › me/model.py:4" in text
        assert "def forward" in text
        await pilot.press("escape", "escape")
        await pilot.pause()
        assert "3 Cores" in screen_text(app)


async def test_a_backward_operator_shows_where_the_forward_pass_created_its_work(watch: Watch) -> None:
    async with watch(FakeFeed(running_view())) as (app, pilot):
        await pilot.press("enter")
        await pilot.pause()
        assert "Created in the forward pass at" in screen_text(app)
        assert "me/model.py:4" in screen_text(app)


async def test_source_that_is_not_here_is_explained(watch: Watch) -> None:
    async with watch(FakeFeed(running_view())) as (app, pilot):
        await pilot.press("enter", "up")
        await pilot.pause()
        assert "/home/me/train.py is not on this machine" in screen_text(app)


async def test_e_without_an_editor_says_what_to_set(watch: Watch) -> None:
    async with watch(FakeFeed(running_view())) as (app, pilot):
        await pilot.press("enter")
        await pilot.pause()
        await pilot.press("e")
        await pilot.pause()
        assert "export EDITOR" in toasts(app)


async def test_y_copies_the_stack(watch: Watch) -> None:
    async with watch(FakeFeed(running_view())) as (app, pilot):
        await pilot.press("enter")
        await pilot.pause()
        await pilot.press("y")
        await pilot.pause()
        assert 'File "/home/me/model.py", line 4, in forward' in app.clipboard


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_every_size_shows_the_stacks(watch: Watch, size: tuple[int, int]) -> None:
    async with watch(FakeFeed(running_view()), size) as (app, pilot):
        await pilot.press("enter")
        await pilot.pause()
        assert "forward  me/model.py:4" in screen_text(app)
