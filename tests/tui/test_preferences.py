"""What the TUI remembers."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from click.testing import CliRunner

from profilednn_tui.cli import program
from profilednn_tui.errors import ProfilerError
from profilednn_tui.tui.app import ProfilerApp
from profilednn_tui.tui.key_groups import scopes
from profilednn_tui.tui.keymap import read_keymap
from profilednn_tui.tui.known_choices import TABLES, unknown_choices
from profilednn_tui.tui.panels.operators import OperatorsPane
from profilednn_tui.tui.panels.table import TableView
from profilednn_tui.tui.preferences import Preferences, preferences_file, read_preferences, remember
from profilednn_tui.tui.present.dashboard import LAYOUTS
from profilednn_tui.tui.present.table import optional_titles, sortable
from profilednn_tui.tui.screens.live import Dashboard
from profilednn_tui.tui.theme import first_theme
from tests.tui.feeds import FakeFeed, running_view


def test_there_is_nothing_at_first(tmp_path: Path) -> None:
    assert read_preferences(tmp_path / "config.toml") == Preferences()


def test_what_is_remembered_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "config.toml"
    chosen = Preferences("profilednn-light", {"operators": "calls reversed"}, {"output": "notices"})
    remember(path, chosen)
    assert read_preferences(path) == chosen
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_comments_and_foreign_settings_stay(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('# mine\ntheme = "nord"  # cold\nfuture = 3\n\n[sort]\nmodules = "class"\n')
    remember(path, Preferences("gruvbox", {"operators": "calls"}))
    text = path.read_text()
    assert text.startswith('# mine\ntheme = "gruvbox"')
    assert "future = 3" in text
    assert read_preferences(path).sort == {"modules": "class", "operators": "calls"}


def test_hidden_columns_are_kept_and_keys_only_read(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[keys]\nflame = "F"\nback = ["escape", "ctrl+g"]\n')
    chosen = Preferences(hidden_columns={"operators": ("module", "bound"), "modules": ()}, keys={"help": ("f1",)})
    remember(path, chosen)
    read = read_preferences(path)
    assert read.hidden_columns == chosen.hidden_columns
    assert read.keys == {"flame": ("F",), "back": ("escape", "ctrl+g")}


@pytest.mark.parametrize(
    "text",
    [
        "theme = ", "theme = 3", "sort = 1", "[panes]\noutput = 2", "\ud800", "keys = 1", "[keys]\nflame = 1",
        "[keys]\nflame = [1]", "[hidden_columns]\noperators = {}",
    ],
)  # fmt: skip
def test_a_bad_file_is_one_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(ProfilerError, match="config"):
        read_preferences(path)


def test_a_link_leads_to_the_file_that_is_read_and_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Found in a review: the links that managers of such files make were refused."""
    kept = tmp_path / "dotfiles" / "config.toml"
    kept.parent.mkdir()
    kept.write_text('theme = "nord"\n')
    place = tmp_path / "profilednn-tui" / "config.toml"
    place.parent.mkdir()
    place.symlink_to(kept)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert read_preferences(preferences_file()).theme == "nord"
    remember(preferences_file(), Preferences("gruvbox"))
    assert place.is_symlink()
    assert "gruvbox" in kept.read_text()


def test_a_write_protected_file_is_left_alone(tmp_path: Path) -> None:
    """Found in a review: it was replaced, as its folder can be written to."""
    path = tmp_path / "config.toml"
    path.write_text('theme = "nord"\n')
    path.chmod(0o444)
    with pytest.raises(PermissionError, match="write-protected"):
        remember(path, Preferences("gruvbox"))
    assert path.read_text() == 'theme = "nord"\n'
    assert stat.S_IMODE(path.stat().st_mode) == 0o444


def test_the_command_shows_file_and_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    output = CliRunner().invoke(program, ["config"]).output
    assert str(tmp_path / "profilednn-tui" / "config.toml") in output
    assert "not there yet" in output
    remember(preferences_file(), Preferences("nord", {"operators": "calls"}))
    output = CliRunner().invoke(program, ["config"]).output
    assert "theme  nord" in output
    assert "sort   operators = calls" in output


@pytest.mark.parametrize(
    ("preferences", "told"),
    [
        (Preferences("nrod"), 'there is no theme "nrod"; did you mean "nord"?'),
        (Preferences(sort={"operator": "calls"}), '[sort]: there is no table "operator"; did you mean "operators"?'),
        (
            Preferences(sort={"operators": "call"}),
            '[sort]: operators cannot be sorted by "call"; did you mean "calls"?',
        ),
        (Preferences(sort={"modules": "calls"}), "[sort]: modules has an order of its own; leave it out."),
        (Preferences(panes={"output": "notes"}), '[panes]: "notes" has no place at output; did you mean "notices"?'),
        (Preferences(panes={"outptu": "run"}), '[panes]: there is no place "outptu"; did you mean "output"?'),
        (
            Preferences(hidden_columns={"modules": ("no such",)}),
            '[hidden_columns]: modules has no column "no such" to hide; known are ',
        ),
    ],
)
def test_a_choice_that_has_no_effect_is_told(
    preferences: Preferences, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found in a review: misspelt themes, tables, columns and panes were passed over in silence."""
    (sentence,) = unknown_choices(preferences)
    assert sentence.startswith(told)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    remember(preferences_file(), preferences)
    assert sentence in CliRunner().invoke(program, ["config"]).stderr


def test_the_example_of_the_documentation_has_only_known_choices(tmp_path: Path) -> None:
    """Found in a review: it sorted the modules, which cannot be sorted."""
    text = (Path(__file__).parents[2] / "docs" / "config.md").read_text(encoding="utf-8")
    (tmp_path / "config.toml").write_text(dedent(text[text.index("    theme =") : text.index("| setting")]))
    preferences = read_preferences(tmp_path / "config.toml")
    assert preferences.sort
    assert unknown_choices(preferences) == ()
    assert read_keymap(preferences.keys, scopes())[1] == ()


def test_every_choice_that_can_be_made_is_known() -> None:
    for name, columns in TABLES.items():
        for title in sortable(columns):
            assert not unknown_choices(Preferences(sort={name: f"{title} reversed"}))
        assert not unknown_choices(Preferences(hidden_columns={name: optional_titles(columns)}))
    for layout in LAYOUTS:
        for _, slots in layout.columns:
            assert not unknown_choices(Preferences(panes={slot.panes[0]: slot.panes[-1] for slot in slots}))


def test_every_table_that_sorts_is_known() -> None:
    assert "candidates" in TABLES, "the screens below are those of the help"
    scopes()
    found = {cls for cls in all_tables(TableView) if sortable(cls.COLUMNS)}
    assert found
    assert all(any(cls.COLUMNS is columns for columns in TABLES.values()) for cls in found)


def all_tables(cls: type[TableView[Any]]) -> Iterator[type[TableView[Any]]]:
    for below in cls.__subclasses__():
        yield below
        yield from all_tables(below)


def test_the_theme_of_last_time_comes_after_what_the_environment_says() -> None:
    assert first_theme({}, "nord") == "nord"
    assert first_theme({"TEXTUAL_THEME": "gruvbox"}, "nord") == "gruvbox"
    assert first_theme({"NO_COLOR": "1"}, "nord") == "ansi-dark"


def app_with(preferences: Preferences, kept: list[Preferences]) -> ProfilerApp:
    return ProfilerApp(
        FakeFeed(running_view()), False, lambda name, path: None, preferences=preferences, remember=kept.append
    )


async def test_sorting_and_panes_are_remembered_and_come_back() -> None:
    kept: list[Preferences] = []
    async with app_with(Preferences(), kept).run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        await pilot.press(">", "8")
        await pilot.pause()
    assert kept[-1].panes == {"output": "notices"}
    assert list(kept[-1].sort) == ["operators"]
    again = app_with(kept[-1], [])
    async with again.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        order = again.screen.query_one(OperatorsPane).order
        assert order is not None
        assert kept[-1].sort["operators"] == order.title
        assert "notices" in again.screen.query_one(Dashboard).boxes(again.screen.query_one(Dashboard).size)


ODD = Preferences("no such theme", {"operators": "no such column"}, {"output": "steps", "nowhere": "cores"})


async def test_what_no_version_knows_is_told_and_left_alone() -> None:
    app = app_with(ODD, [])
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await pilot.pause()
        assert [notice.message for notice in app._notifications] == list(unknown_choices(ODD))
        assert app.theme == "profilednn-dark"
        assert "steps" in app.screen.query_one(Dashboard).boxes(app.screen.query_one(Dashboard).size)


async def test_a_file_that_cannot_be_written_is_told_once_it_matters() -> None:
    def refuse(preferences: Preferences) -> None:
        raise OSError(30, "Read-only file system")

    app = ProfilerApp(FakeFeed(running_view()), False, lambda name, path: None, remember=refuse)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await pilot.pause()
        await pilot.press(">")
        await pilot.pause()
        assert any("That cannot be remembered" in notice.message for notice in app._notifications)
