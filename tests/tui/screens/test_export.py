"""The export dialog."""

from __future__ import annotations

from pathlib import Path

from textual.pilot import Pilot
from textual.widgets import Input

from profilednn_tui.errors import ProfilerError
from profilednn_tui.tui.app import ProfilerApp
from profilednn_tui.tui.screens.choice import ChoiceScreen
from profilednn_tui.tui.screens.export import ExportScreen
from tests.tui.apps import following
from tests.tui.conftest import Watch
from tests.tui.feeds import FakeFeed, running_view
from tests.tui.screen_text import screen_text


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


async def test_a_file_that_exists_is_replaced_only_if_the_user_says_so(
    watch: Watch, saved: list[tuple[str, Path]], tmp_path: Path
) -> None:
    """E replaced it without a word, and the default name is that of the script."""
    path = tmp_path / "precious.pdnn"
    path.write_text("precious")
    async with watch(FakeFeed(running_view())) as (app, pilot):
        await name_file(app, pilot, path)
        assert isinstance(app.screen, ChoiceScreen)
        assert "The file exists" in screen_text(app)
        await pilot.press("c")
        await pilot.pause()
        assert isinstance(app.screen, ExportScreen)
        assert app.screen.query_one(Input).value == str(path)
        assert saved == []
        await pilot.press("enter", "r")
        await pilot.pause()
        assert len(app.screen_stack) == 1
    assert saved == [("pdnn", path)]


async def test_a_failed_export_keeps_the_dialog_and_the_path(tmp_path: Path) -> None:
    """The dialog was gone, and with it the path that had been typed."""
    failure = "Cannot write [/x]: Permission denied."

    def refuse(name: str, path: Path) -> None:
        raise ProfilerError(failure)

    async with following(ProfilerApp(FakeFeed(running_view()), True, refuse)) as (app, pilot):
        await name_file(app, pilot, tmp_path / "s.pdnn")
        assert isinstance(app.screen, ExportScreen)
        assert app.screen.query_one(Input).value == str(tmp_path / "s.pdnn")
        assert failure in screen_text(app)
        await pilot.press("escape")
        await pilot.pause()
        assert len(app.screen_stack) == 1


async def name_file(app: ProfilerApp, pilot: Pilot[None], path: Path) -> None:
    """Open the dialog and submit a path for a snapshot."""
    await pilot.press("E")
    await pilot.pause()
    await pilot.press("enter")
    app.screen.query_one(Input).value = str(path)
    await pilot.press("enter")
    await pilot.pause()
