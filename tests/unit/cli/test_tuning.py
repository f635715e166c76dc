"""``tune`` and ``--recipe`` on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from profilednn_tui.cli import main, tuning
from profilednn_tui.cli import recipes as recipes_module
from profilednn_tui.launch.options import LaunchOptions
from profilednn_tui.launch.recipe import Recipe, read_recipe, recipe_text
from profilednn_tui.tune.record import load_search
from profilednn_tui.tune.search import Means, search
from tests.unit.tune.starter import Starter
from tests.unit.tune.test_search import OFFERS, Silent


def called(*words: str) -> int:
    """The exit code."""
    try:
        main(words)
    except SystemExit as ended:
        return int(str(ended.code or 0))
    return 0


@pytest.fixture
def project(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a script."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "train.py").write_text("")
    monkeypatch.chdir(folder)
    return folder


def plant(monkeypatch: pytest.MonkeyPatch, starter: Starter) -> None:
    def searched(folder: Path) -> int | None:
        return search(folder, Means(OFFERS, lambda line: None, Silent(), starter, starter.clock))

    monkeypatch.setattr(tuning, "_search", searched)


def test_the_winner_is_reported_and_becomes_a_recipe(
    project: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    plant(monkeypatch, Starter({"channels_last": 0.7}))
    assert called("tune", "--in-place", "--to", "json", "train.py", "--lr", "1") == 0
    document = json.loads(capfd.readouterr().out)
    assert document["recipe"] == "train.recipe.toml"
    path = project / "train.recipe.toml"
    assert read_recipe(path) == Recipe(("channels_last",))
    comments = [line for line in path.read_text().splitlines() if line.startswith("#")]
    assert "faster: step time -30" in comments[1]
    assert called("tune", "--in-place", "train.py") == 0
    assert (project / "train-2.recipe.toml").exists(), "no file of the user is overwritten"


def test_nothing_better_is_a_result(
    project: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    plant(monkeypatch, Starter({}))
    assert called("tune", "--in-place", "train.py") == 0
    assert "nothing better than stock" in capfd.readouterr().out
    assert not list(project.glob("*.toml"))


def test_a_stopped_search_reports_what_is_proven_and_how_to_go_on(
    project: Path, home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    plant(monkeypatch, Starter({"channels_last": 0.7}, stop_at=2))
    assert called("tune", "--in-place", "train.py") == 130
    told = capfd.readouterr()
    assert "stopped before its end" in told.out
    (folder,) = home.iterdir()
    assert f"profilednn-tui tune --resume {folder.name}" in told.err
    plant(monkeypatch, Starter({"channels_last": 0.7}))
    assert called("tune", "--resume", folder.name) == 0
    assert "channels_last: 1.4" in capfd.readouterr().out


def test_what_was_asked_for_is_kept(project: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch, Starter({}))
    words = ("--minutes", "3", "--over", "channels_last", "--steps", "25", "--with", "fused_optimizer", "--env", "A=1")
    assert called("tune", "--in-place", *words, "train.py") == 0
    record = load_search(next(home.iterdir()))
    assert (record.wishes.minutes, record.wishes.over, record.wishes.steps) == (3.0, ("channels_last",), 25)
    assert record.base.variants[0].optimizations == ("fused_optimizer",)
    assert record.base.environment == {"A": "1"}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "Nothing to run"),
        (("gone.py",), "There is no script gone.py"),
        (("--resume", "x", "train.py"), "Leave out the SCRIPT"),
        (("--resume", "x"), "There is no search x"),
        (("--resume", "x", "--minutes", "9"), "Leave out --minutes: --resume goes on"),
        (("--resume", "x", "--with", "allocator"), "Leave out --with"),
        (("--recipe", "nowhere/a.toml", "train.py"), "name a file in a folder that exists"),
        (("--with", "nonsense", "train.py"), "There is no optimization nonsense"),
        (("--minutes", "0", "train.py"), "--minutes"),
        (("--over", "", "train.py"), "It names nothing. Leave it out to search over everything"),
        (("--minutes", "nan", "train.py"), "nan is not a finite number"),
        (("--over", "fused_optimiser", "train.py"), "There is no optimization fused_optimiser"),
        (("--over", "threads=0", "train.py"), "threads=0 is no number of threads. Write threads=N"),
        (("--over", "threads=abc", "train.py"), "threads=abc is no number of threads"),
        (("--without", "threads=", "train.py"), "threads= is no number of threads"),
        (("--without", "threads=1,compil", "train.py"), "There is no optimization compil"),
    ],
)
def test_wrong_usage_is_one_sentence(
    project: Path, home: Path, words: tuple[str, ...], sentence: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert called("tune", *words) == 2
    assert sentence in capfd.readouterr().err
    assert not list(home.iterdir())


def launched(monkeypatch: pytest.MonkeyPatch) -> list[LaunchOptions]:
    found: list[LaunchOptions] = []
    monkeypatch.setattr("profilednn_tui.cli.launching.launch", lambda command, options, *rest: found.append(options))
    return found


def test_a_run_takes_a_recipe_and_adds_to_it(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = launched(monkeypatch)
    (project / "a.toml").write_text(recipe_text(Recipe(("channels_last",), {"OMP_NUM_THREADS": "2"})))
    words = ("--with", "compile", "--env", "OMP_NUM_THREADS=1", "--env", "X=2")
    assert called("run", "--recipe", "a.toml", *words, "train.py") == 0
    assert called("train.py") == 0
    assert found[0].optimizations == ("channels_last", "compile")
    assert dict(found[0].environment) == {"OMP_NUM_THREADS": "1", "X": "2"}
    assert found[1] == LaunchOptions()


def test_another_users_recipe_is_shown_and_not_used_unasked(
    project: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    found = launched(monkeypatch)
    (project / "a.toml").write_text(recipe_text(Recipe(("channels_last",), {"OMP_NUM_THREADS": "2"})))
    monkeypatch.setattr(recipes_module, "belongs_to_another", lambda path: True)
    assert called("run", "--recipe", "a.toml", "train.py") == 2
    told = capfd.readouterr().err
    assert "is another user's and sets: channels_last, OMP_NUM_THREADS=2. Copy it" in told
    assert found == []
