"""Each screen matches its baseline in each of its states, to the letter and the color."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from profilednn_tui.export.comparison.report import Report
from profilednn_tui.session.open_session import open_session
from profilednn_tui.session.view import Operators, Progress, SessionView, State, Steps, Target
from profilednn_tui.tui.app import ProfilerApp
from profilednn_tui.tui.present.rerun import EarlierRun
from screenshots import svg
from tests.tui import pictures
from tests.tui.advised import advised_app
from tests.tui.apps import app_with_comparisons, app_with_optimizations, save_nothing
from tests.tui.comparisons import comparison, related
from tests.tui.feeds import (
    FakeFeed,
    attached_view,
    optimized_view,
    running_view,
    sampled_view,
    uneven_view,
    view_with_primitives,
)
from tests.tui.pictures import Picture

pytestmark = pytest.mark.pictures

SNAPSHOT = Path(__file__).resolve().parents[1] / "fixtures" / "format-1" / "snapshot.pdnn"
OUTPUT = b"epoch 1\r\n\x1b[32mloss 0.5\x1b[0m\r\n"
CRASH = b"epoch 1\r\nFatal Python error: Segmentation fault\r\n"


def app(view: Callable[[], SessionView], output: bytes = OUTPUT, launched: bool = True) -> Callable[[], ProfilerApp]:
    return lambda: ProfilerApp(FakeFeed(view(), output), launched, save_nothing)


def waiting() -> SessionView:
    seen = Progress(batches=3, forwards=2)
    return replace(running_view(), state=State.WAITING, steps=Steps(), operators=Operators(), progress=seen)


def ended(exit_code: int) -> SessionView:
    target = Target("train.py", ("train.py", "--lr", "0.1"), torch="2.14.1", pid=4711, exit_code=exit_code)
    return replace(running_view(), state=State.ENDED, live=False, target=target)


def recorded() -> ProfilerApp:
    session = open_session(SNAPSHOT)
    while session.poll():
        pass
    return ProfilerApp(session, False, save_nothing)


PICTURES = (
    Picture("live", app(running_view)),
    Picture("live-80x24", app(running_view), columns=80, lines=24),
    Picture("live-200x60", app(running_view), columns=200, lines=60),
    Picture("live-80x60", app(running_view), columns=80, lines=60),
    Picture("live-120x24", app(running_view), columns=120, lines=24),
    Picture("columns", app(running_view), ("right", "C", "space")),
    Picture("charts", app(sampled_view)),
    Picture("charts-200x60", app(sampled_view), columns=200, lines=60),
    Picture("distribution", app(uneven_view), ("1", "D", "z")),
    Picture("distribution-80x24", app(uneven_view), ("1", "D"), columns=80, lines=24),
    Picture("waiting", app(waiting)),
    Picture("ended", app(lambda: ended(0))),
    Picture("crash", app(lambda: ended(-11), CRASH)),
    Picture("recorded", recorded, ("8", "2")),
    Picture("operator", app(running_view), ("down", "enter")),
    Picture("source", app(running_view), ("down", "enter", "enter")),
    Picture("primitives", app(view_with_primitives), ("d",)),
    Picture("optimizations", lambda: app_with_optimizations(FakeFeed(optimized_view())), ("o",)),
    Picture("findings", advised_app, ("a", "j")),
    Picture("findings-80x24", advised_app, ("a", "j"), columns=80, lines=24),
    Picture("finding", advised_app, ("a", "j", "enter")),
    Picture("before", lambda: advised_app(optimized_view(), before=EarlierRun(62.5e6, ("bf16",)))),
    Picture("help", app(running_view), ("question_mark",)),
    Picture("export", app(running_view), ("E",)),
    Picture("quit", app(running_view), ("q",)),
    Picture("thread-stacks", app(attached_view, launched=False), ("x",)),
    Picture("runs", lambda: app_with_comparisons(choices=(related("yesterday", comparison()),)), ("c",)),
    Picture("compare", lambda: app_with_comparisons(Report("x", (comparison(),)))),
)


@pytest.fixture(autouse=True)
def _one_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hides who runs the tests, where and when."""
    for name in [name for name in os.environ if name.startswith(("TEXTUAL", "PROFILEDNN", "COLOR", "TERM", "LC_"))]:
        monkeypatch.delenv(name)
    for name, value in {"HOME": str(tmp_path), "TZ": "UTC", "TERM": "xterm-256color", "LANG": "C.UTF-8"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
async def test_a_screen_looks_as_in_its_baseline(picture: Picture) -> None:
    pictures.check(picture, await pictures.take(picture))


def test_every_baseline_has_a_picture() -> None:
    names = {path.stem for path in pictures.FOLDER.glob("*.svg") if not path.stem.endswith(".new")}
    assert names == {picture.name for picture in PICTURES}


def test_a_difference_is_told_by_its_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "FOLDER", tmp_path)
    monkeypatch.delenv(pictures.RENEW, raising=False)
    picture = Picture("screen", app(running_view))
    picture.baseline.write_text(drawn("same", "old"))
    with pytest.raises(AssertionError, match=r"(?s)screen differs from its baseline.*line 2:\n- old\n\+ new$"):
        pictures.check(picture, drawn("same", "new"))
    assert picture.rejected.read_text() == drawn("same", "new")
    pictures.check(picture, drawn("same", "old"))
    assert not picture.rejected.exists()


def test_a_difference_in_colour_alone_is_said_to_be_one() -> None:
    assert pictures.differences(drawn("a"), drawn("a", style="bold")) == ["line 1, in its colours: a"]


def drawn(*lines: str, style: str = "") -> str:
    return svg.picture(pictures.frame_of([Strip([Segment(line, Style.parse(style))]) for line in lines]))
