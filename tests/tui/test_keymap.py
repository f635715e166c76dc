"""Keys that users give to actions."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from textual.dom import DOMNode
from textual.widgets import Input

import profilednn_tui.tui
from profilednn_tui.cli import program
from profilednn_tui.tui.app import ProfilerApp
from profilednn_tui.tui.key_groups import PLACES, scopes
from profilednn_tui.tui.keymap import action_names, read_keymap
from profilednn_tui.tui.keys import bindings_of, key_named, one_key_name
from profilednn_tui.tui.panels.flame import FlameView
from profilednn_tui.tui.panels.operators import OperatorsPane
from profilednn_tui.tui.preferences import Preferences, preferences_file
from profilednn_tui.tui.screens.choice import ChoiceScreen, ChoicesView
from profilednn_tui.tui.screens.columns import ColumnsScreen
from profilednn_tui.tui.screens.export import ExportScreen
from profilednn_tui.tui.screens.flame import FlameScreen
from profilednn_tui.tui.screens.help import HelpScreen
from tests.tui.conftest import Watch
from tests.tui.feeds import FakeFeed, running_view
from tests.tui.screen_text import screen_lines, screen_text

ROOT = Path(__file__).resolve().parents[2]
FIXED = {"ctrl+c to the target", "quit"}
"""Descriptions of bindings that keep their keys: ctrl+c and ctrl+q."""


def nodes_with_bindings() -> set[type[DOMNode]]:
    """All classes of ours that define BINDINGS."""
    found: set[type[DOMNode]] = set()
    for module in pkgutil.walk_packages(profilednn_tui.tui.__path__, "profilednn_tui.tui."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, type) and issubclass(value, DOMNode) and value.__module__ == module.name:
                found |= {value} if "BINDINGS" in vars(value) else set()
    return found


def test_every_binding_has_a_name_and_is_known_to_be_in_force_somewhere() -> None:
    owners: list[type[DOMNode]] = [ProfilerApp, *(owner for place in PLACES for owner in place)]
    known = {cls for owner in owners for cls in owner.__mro__}
    nodes = nodes_with_bindings()
    assert len(nodes) > 15
    assert nodes <= known
    nameless = {binding.description for node in nodes for binding in bindings_of(node) if binding.id is None}
    assert nameless == FIXED


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("F", "F"), ("ctrl+f", "ctrl+f"), ("Ctrl+F", "ctrl+f"), ("shift+f", "F"), ("f5", "f5"), ("F5", "f5"),
        ("?", "question_mark"), (",", "comma"), ("+", "plus"), ("ctrl++", "ctrl+plus"), ("<", "less_than_sign"),
        ("esc", "escape"), ("pgup", "pageup"), ("←", "left"), ("space", "space"), ("return", "enter"),
        ("question_mark", "question_mark"), ("ctrl+i", "tab"), ("shift+left", "shift+left"), ("é", "é"),
        ("", None), ("ctlr+f", None), ("ff", None), ("F99", None), ("a,b", None), ("ctrl+", None),
    ],
)  # fmt: skip
def test_keys_are_read_as_people_write_them(text: str, key: str | None) -> None:
    assert key_named(text) == key


@pytest.mark.parametrize(
    "key", ["?", "+", "-", "_", "@", "\\", "/", "esc", "space", "F", "f5", "↑", "%", "tab", "shift+←", "ctrl++"]
)
def test_keys_are_shown_as_they_are_read(key: str) -> None:
    read = key_named(key)
    assert read is not None
    assert one_key_name(read) == key


def test_nothing_chosen_is_nothing_changed() -> None:
    assert read_keymap({}, scopes()) == ({}, ())


def test_actions_may_swap_their_keys() -> None:
    keymap, wrong = read_keymap({"advice": ("o",), "optimizations": ("a", "A")}, scopes())
    assert keymap == {"advice": "o", "optimizations": "a,A"}
    assert wrong == ()


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"flaem": ("F",)}, ("no action flaem", "write flame, or another", "config --keys")),
        ({"flame": ("ctlr+f",)}, ('"ctlr+f" for flame is no key', 'like "F"')),
        ({"flame": ()}, ("flame has no key", "leave flame out")),
        ({"flame": ("c",)}, ('"c" would be compare and flame', "another key", "flame keeps its default")),
        ({"flame": ("F",), "compare": ("F",)}, ('"F" would be compare and flame', "compare and flame keep their")),
        ({"flame": ("j",)}, ('"j" would be down and flame', "flame keeps its default")),
        ({"maximize": ("q",)}, ('"q" would be maximize and quit',)),
        ({"palette": ("ctrl+c",)}, ('"ctrl+c" would be ctrl+c to the target and palette',)),
        ({"pause": ("tab",)}, ('"tab" would be next pane and pause',)),
        ({"back": ("b",)}, ("back is needed while you type", 'like "f5"')),
        ({"palette": ("K",)}, ("palette is needed while you type",)),
    ],
)
def test_what_cannot_be_is_one_sentence_and_the_default_stays(
    chosen: dict[str, tuple[str, ...]], said: tuple[str, ...]
) -> None:
    keymap, (sentence,) = read_keymap({**chosen, "pause-windows": ("ctrl+w",)}, scopes())
    assert keymap == {"pause-windows": "ctrl+w"}, "what is right is kept"
    assert all(words in sentence for words in said)
    assert sentence.startswith("[keys]: ")


def test_a_swap_with_an_action_that_stays_at_its_key_falls_back_whole() -> None:
    """Back at its default, an action may be in the way of the one that was to take its key."""
    keymap, wrong = read_keymap({"advice": ("o",), "optimizations": ("r",)}, scopes())
    assert keymap == {}
    assert len(wrong) == 2


def test_actions_that_are_never_in_force_together_may_share_a_key() -> None:
    keymap, wrong = read_keymap({"mark": ("u",), "merge-shapes": ("u",)}, scopes())
    assert keymap == {"mark": "u", "merge-shapes": "u"}
    assert wrong == ()


KEYS = Preferences(
    keys={
        "flame": ("F",),
        "help": ("f1",),
        "down": ("n",),
        "next-match": ("f3",),
        "open": ("o",),
        "optimizations": ("O",),
        "back": ("ctrl+g",),
        "quit": ("Q",),
        "export": ("X",),
        "columns": ("K",),
        "take-window": ("u",),
        "palette": ("f2",),
    }
)


async def test_chosen_keys_work_and_the_default_ones_do_not(watch: Watch) -> None:
    async with watch(FakeFeed(running_view()), preferences=KEYS) as (app, pilot):
        await pilot.press("f")
        await pilot.pause()
        assert not isinstance(app.screen, FlameScreen)
        await pilot.press("n", "n")
        assert app.query_one(OperatorsPane).cursor == 2
        await pilot.press("F")
        await pilot.pause()
        assert isinstance(app.screen, FlameScreen)
        assert app.screen.query_one(FlameView).has_focus
        await pilot.press("ctrl+g")
        await pilot.pause()
        assert not isinstance(app.screen, FlameScreen)
        assert not app._notifications


async def test_the_last_line_the_help_and_hints_show_chosen_keys(watch: Watch) -> None:
    view = running_view()
    async with watch(FakeFeed(view), (140, 60), preferences=KEYS) as (app, pilot):
        last = screen_lines(app)[-1]
        assert "f1 help" in last
        assert "O optimizations" in last
        assert "F flame graph" in last
        assert "f flame" not in last
        assert "o: their operators" in screen_text(app)
        await pilot.press("f1")
        await pilot.pause()
        assert isinstance(app.screen, HelpScreen)
        text = screen_text(app)
        assert "ctrl+g closes" in text
        assert "F Flame graph" in text
        assert "O Optimizations" in text
        assert " u  take a window now" in text
        await pilot.press("f1")
        await pilot.pause()
        assert not isinstance(app.screen, HelpScreen)


async def test_the_palette_shows_chosen_keys(watch: Watch) -> None:
    async with watch(FakeFeed(running_view()), preferences=KEYS) as (app, pilot):
        await pilot.press("f2")
        await pilot.pause()
        await pilot.press(*"take a window")
        for _ in range(40):
            if "Take a window now  (u)" in screen_text(app):
                break
            await pilot.pause(0.05)
        assert "Take a window now  (u)" in screen_text(app)
        assert "All actions by name" not in screen_text(app)


async def test_chosen_keys_work_in_pop_ups(watch: Watch) -> None:
    async with watch(FakeFeed(running_view()), preferences=KEYS) as (app, pilot):
        await pilot.press("Q")
        await pilot.pause()
        assert isinstance(app.screen, ChoiceScreen)
        assert "o or key · ctrl+g cancels" in screen_text(app)
        await pilot.press("n")
        assert app.screen.query_one(ChoicesView).cursor == 1
        await pilot.press("escape")
        await pilot.pause()
        assert isinstance(app.screen, ChoiceScreen)
        await pilot.press("ctrl+g")
        await pilot.pause()
        assert not isinstance(app.screen, ChoiceScreen)
        await pilot.press("K")
        await pilot.pause()
        assert isinstance(app.screen, ColumnsScreen)
        await pilot.press("o", "n", "space")
        assert app.query_one(OperatorsPane).hidden == {"input shapes", "pass"}
        await pilot.press("K")
        await pilot.pause()
        assert not isinstance(app.screen, ColumnsScreen)
        await pilot.press("X")
        await pilot.pause()
        assert isinstance(app.screen, ExportScreen)
        await pilot.press("o", "n", "o")
        await pilot.pause()
        assert "no" in app.screen.query_one(Input).value, "what is typed into a field is text"
        await pilot.press("ctrl+g")
        await pilot.pause()
        assert not isinstance(app.screen, ExportScreen)


async def test_a_letter_of_a_pop_up_comes_before_a_chosen_key(watch: Watch) -> None:
    """The answers of a question keep their letters: they are on the screen."""
    chosen = Preferences(keys={"down": ("c",), "compare": ("C",), "columns": ("K",)})
    async with watch(FakeFeed(running_view()), preferences=chosen) as (app, pilot):
        await pilot.press("q")
        await pilot.pause()
        assert isinstance(app.screen, ChoiceScreen)
        letters = [choice.key for choice in app.screen.query_one(ChoicesView).rows]
        assert "c" in letters
        await pilot.press("c")
        await pilot.pause()
        assert not isinstance(app.screen, ChoiceScreen)


async def test_wrong_keys_are_told_and_the_others_work(watch: Watch) -> None:
    chosen = Preferences(keys={"flaem": ("F",), "compare": ("a",), "help": ("f1",)})
    async with watch(FakeFeed(running_view()), preferences=chosen) as (app, pilot):
        said = [notice.message for notice in app._notifications]
        assert any("no action flaem" in message for message in said)
        assert any('"a" would be advice and compare' in message for message in said)
        assert len(said) == 2
        await pilot.press("f1")
        await pilot.pause()
        assert isinstance(app.screen, HelpScreen)


def test_the_command_lists_actions_with_their_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    preferences_file().parent.mkdir()
    preferences_file().write_text('[keys]\nflame = ["F", "f5"]\nhelp = "a"\n')
    result = CliRunner().invoke(program, ["config"])
    assert "keys   flame = F, f5; help = a" in result.output
    assert '"a" would be advice and help' in result.output
    listed = CliRunner().invoke(program, ["config", "--keys"]).output.splitlines()
    assert any(line.split() == ["flame", "F", "f5", "flame", "graph"] for line in listed)
    assert any(line.split() == ["help", "?", "help"] for line in listed)


def test_the_documentation_names_all_actions() -> None:
    text = (ROOT / "docs" / "config.md").read_text()
    assert [name for name in action_names(scopes()) if f"`{name}`" not in text] == []
