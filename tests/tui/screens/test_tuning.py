"""The search for the fastest setting on the screen."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot

from profilednn_tui.compare.factorial import Effect, Estimate
from profilednn_tui.compare.tuning import Eliminated
from profilednn_tui.experiment.plan import Experiment
from profilednn_tui.experiment.variants import Variant
from profilednn_tui.session.view import State
from profilednn_tui.tui.app import ProfilerApp
from profilednn_tui.tui.present.tuning import Running, bar, candidate_rows, progress_text
from profilednn_tui.tui.screens.tuning import TuningScreen
from profilednn_tui.tune.record import Plain, Search, Stage, Wishes
from tests.tui.apps import following, save_nothing
from tests.tui.feeds import FakeFeed, running_view
from tests.tui.pictures import come_to_rest
from tests.tui.screen_text import screen_text

BASE = Experiment(
    name="train.py", words=("train.py",), kind="script", working_directory="/p", variants=(Variant("stock"),), repeat=1,
    steps=20, seed=0, start_unix_ns=0,
)  # fmt: skip
SEARCH = Search(
    BASE, Wishes(20.0), Plain(20e6, 2.0), ("channels_last", "threads=1"), (Variant("allocator", ("allocator",)),),
    (Eliminated("bf16", "this processor has none"),), None, Variant("between-steps", ("channels_last",)),
    duration_s=65.0, stage=Stage.EFFECTS,
    looking=(Effect("threads=1", 1.3, 1.2, 1.4, 90), Effect("channels_last", 0.7, 0.68, 0.72, 90, left_out=1)),
)  # fmt: skip
WAIT_S = 20.0


def app(folder: Path, code: str = "import time; print('stage 1', file=__import__('sys').stderr); time.sleep(600)",
        **options: object) -> ProfilerApp:  # fmt: skip
    def begin() -> Path:
        SEARCH.save(folder)
        return folder

    def command(place: Path) -> Sequence[str]:
        return (sys.executable, "-u", "-c", code, str(place))

    ended = replace(running_view(), state=State.ENDED, live=False)
    return ProfilerApp(
        FakeFeed(ended),
        False,
        save_nothing,
        **{"begin_search": begin, "search_command": command, **options},  # type: ignore[arg-type]
    )


async def until(one: ProfilerApp, pilot: Pilot[None], text: str) -> None:
    """Wait for a text on the screen."""
    deadline_s = time.monotonic() + WAIT_S
    while text not in screen_text(one):
        assert time.monotonic() < deadline_s, screen_text(one)
        await pilot.pause(0.02)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_a_search_shows_its_candidates_with_their_intervals(tmp_path: Path, size: tuple[int, int]) -> None:
    async with following(app(tmp_path), size) as (one, pilot):
        await come_to_rest(one, pilot)
        await pilot.press("T")
        await come_to_rest(one, pilot)
        assert "Find the fastest setting and prove it?" in screen_text(one)
        await pilot.press("s")
        await until(one, pilot, "channels_last")
        text = screen_text(one)
        assert "stage 2 of 5, between steps, 65.0 s of 20 min 00 s" in text
        assert "-30.0 %" in text
        assert "●" in text
        assert text.index("channels_last") < text.index("threads=1") < text.index("bf16")
        await pilot.press("escape")
        await pilot.pause()
        assert not isinstance(one.screen, TuningScreen)
        await pilot.press("T")
        await pilot.pause()
        assert isinstance(one.screen, TuningScreen), "it goes on, and is shown again"


async def test_stopping_asks_and_shows_what_came_out(tmp_path: Path) -> None:
    code = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: (print('fastest     nothing better'), sys.exit(143)))\n"
        "print('ready', file=sys.stderr)\ntime.sleep(600)"
    )
    async with following(app(tmp_path, code)) as (one, pilot):
        await come_to_rest(one, pilot)
        await pilot.press("T", "s")
        await until(one, pilot, "ready")
        await pilot.press("x")
        await until(one, pilot, "The search still runs")
        await pilot.press("s")
        await until(one, pilot, "fastest nothing better")
        assert one.tuning.searching == ""


async def test_quitting_asks_because_the_search_would_end(tmp_path: Path) -> None:
    async with following(app(tmp_path)) as (one, pilot):
        await come_to_rest(one, pilot)
        await pilot.press("T", "s")
        await until(one, pilot, "channels_last")
        await pilot.press("escape", "q")
        await until(one, pilot, "a search for the fastest setting is still being tried")


async def test_a_session_that_cannot_be_run_again_says_why(tmp_path: Path) -> None:
    async with following(app(tmp_path, unsearchable=lambda: "A snapshot cannot be started again.")) as (one, pilot):
        await come_to_rest(one, pilot)
        await pilot.press("T")
        await until(one, pilot, "A snapshot cannot be started again.")


def test_a_bar_is_on_a_scale_from_half_to_twice() -> None:
    assert bar(Effect("a", 1.0, 1.0, 1.0, 1), 9)[0][0] == "    ●    "
    assert bar(Effect("a", 0.5, 0.3, 0.7, 1), 9)[0][0] == "●━━ │    "
    assert bar(Effect("a", 2.0, 1.0, 9.0, 1), 9)[0][0] == "    ━━━━●"
    assert bar(Effect("a", 0.7, 0.6, 0.8, 1))[0][1] == "success"


def test_rows_say_what_is_chosen_and_what_waits() -> None:
    rows = {row.name: row for row in candidate_rows(Running(SEARCH))}
    assert list(rows) == ["channels_last", "threads=1", "allocator", "bf16"]
    assert rows["channels_last"].chosen
    assert rows["allocator"].effect is None
    assert rows["bf16"].out == "this processor has none"
    done = replace(SEARCH, estimate=Estimate(SEARCH.looking), looking=(), stage=Stage.DONE)
    assert candidate_rows(Running(done))[0].effect == SEARCH.looking[1]
    assert progress_text(Running(done, ended=True)) == "ended"
    assert candidate_rows(Running()) == ()


def test_a_number_of_threads_in_the_best_setting_is_marked() -> None:
    best = Variant("between-steps", ("channels_last",), {"OMP_NUM_THREADS": "1"})
    rows = candidate_rows(Running(replace(SEARCH, chosen=best)))
    assert {row.name for row in rows if row.chosen} == {"channels_last", "threads=1"}
    assert not any(row.chosen for row in candidate_rows(Running(replace(SEARCH, chosen=None))))
