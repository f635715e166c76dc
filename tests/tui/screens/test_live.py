"""The dashboard: what it shows in each state and at each size, and what its keys do."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual import events

from profilednn_tui.session.view import (
    Operators,
    Progress,
    SessionView,
    State,
    Steps,
    Target,
)
from profilednn_tui.tui.panels.operators import OperatorsPane
from profilednn_tui.tui.panels.pane import Pane
from profilednn_tui.tui.screens.live import Dashboard
from tests.tui.conftest import Watch
from tests.tui.feeds import FakeFeed, attached_view, running_view
from tests.tui.screen_text import screen_lines, screen_text


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60), (60, 16)])
async def test_every_line_fills_the_terminal_and_the_main_figures_are_there(
    watch: Watch, size: tuple[int, int]
) -> None:
    async with watch(FakeFeed(running_view()), size) as (app, _):
        text = screen_text(app)
        assert "train.py" in text
        assert "running" in text
        assert "30.0 ms" in text
        assert "1 Steps" in text


async def test_medium_terminal_shows_the_table_cores_threads_memory_and_output(watch: Watch) -> None:
    async with watch(FakeFeed(running_view(), b"epoch 1\r\nloss 0.5\r\n")) as (app, _):
        text = screen_text(app)
        for part in ("convolution_backward", "bwd", "3 Cores", "4 Threads", "loader worker", "1.20 GB", "loss 0.5"):
            assert part in text


async def test_waiting_for_torch_says_so_instead_of_zeros(watch: Watch) -> None:
    view = SessionView(
        state=State.STARTING, live=True, target=Target("train.py", start_unix_ns=1), unix_ns=5_000_000_001
    )
    async with watch(FakeFeed(view)) as (app, _):
        text = screen_text(app)
        assert "Waiting for torch for 5.00 s" in text
        assert " 0 ms" not in text


async def test_no_step_yet_tells_what_was_seen(watch: Watch) -> None:
    view = replace(
        running_view(),
        state=State.WAITING,
        steps=Steps(),
        operators=Operators(),
        progress=Progress(batches=3, forwards=2),
    )
    async with watch(FakeFeed(view)) as (app, _):
        text = screen_text(app)
        assert "torch 2.14.1 is loaded, no step yet" in text
        assert "3 batches, 2 forwards, 0 backwards" in text


async def test_an_ended_training_stays_navigable(watch: Watch) -> None:
    view = replace(running_view(), state=State.ENDED, live=False, target=Target("train.py", exit_code=0))
    async with watch(FakeFeed(view)) as (app, pilot):
        assert "training ended (exit code 0)" in screen_text(app)
        await pilot.press("down", "down")
        assert app.query_one(OperatorsPane).cursor == 2
        await pilot.press("enter")
        await pilot.pause()
        assert "Operators › aten::op0" in screen_text(app)


async def test_number_keys_bring_panes_forward_in_a_small_terminal(watch: Watch) -> None:
    async with watch(FakeFeed(running_view()), (80, 24)) as (app, pilot):
        assert "3 Cores, %" not in screen_text(app)
        await pilot.press("3")
        await pilot.pause()
        assert "3 Cores, %" in screen_text(app)
        assert app.focused is app.query_one("#cores", Pane)
        await pilot.press("8")
        await pilot.pause()
        assert "Set OMP_NUM_THREADS." in screen_text(app)


async def test_z_maximizes_the_pane_and_escape_brings_the_others_back(watch: Watch) -> None:
    async with watch(FakeFeed(running_view())) as (app, pilot):
        await pilot.press("z")
        await pilot.pause()
        assert "3 Cores" not in screen_text(app).replace("3 Cores  4 Threads", "")
        assert app.query_one(OperatorsPane).size.height > 30
        await pilot.press("escape")
        await pilot.pause()
        assert "╭─ 3 Cores" in screen_text(app)


async def test_a_module_opens_its_operators(watch: Watch) -> None:
    async with watch(FakeFeed(running_view())) as (app, pilot):
        await pilot.press("7", "down", "down", "enter")
        await pilot.pause()
        text = screen_text(app)
        assert "2 Operators › net.fc" in text
        assert "1 operators" in text
        await pilot.press("escape")
        await pilot.pause()
        assert "40 operators" in screen_text(app)


async def test_without_an_agent_the_panes_say_what_they_lack(watch: Watch) -> None:
    outside = replace(attached_view(), state=State.OUTSIDE, steps=Steps(), operators=Operators())
    async with watch(FakeFeed(outside), launched=False) as (app, _):
        text = screen_text(app)
    assert "from outside" in text
    assert "need the agent" in text


async def test_a_recording_without_output_says_that_there_is_none(watch: Watch) -> None:
    ended = replace(running_view(), state=State.ENDED, live=False)
    async with watch(FakeFeed(ended), launched=False) as (app, _):
        assert "No output was recorded" in screen_text(app)


async def test_z_right_after_a_number_maximizes_that_pane(watch: Watch) -> None:
    """Typed quickly, they maximized the pane that had the focus before: the focus moved one refresh later."""
    async with watch(FakeFeed(running_view())) as (app, pilot):
        app.post_message(events.Key("4", "4"))
        app.post_message(events.Key("z", "z"))
        await pilot.pause()
        await pilot.pause()
        assert set(app.query_one(Dashboard).boxes(app.query_one(Dashboard).size)) == {"threads"}


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
@pytest.mark.parametrize("way", ["", "x", "o", "e", "enter", "c"])
async def test_the_keys_that_matter_most_are_always_in_sight(watch: Watch, size: tuple[int, int], way: str) -> None:
    async with watch(FakeFeed(attached_view()), size) as (app, pilot):
        if way:
            await pilot.press(way)
            await pilot.pause()
        assert screen_lines(app)[-1].startswith(" ? help  q quit  a advice  o optimizations")


async def test_a_hidden_pane_that_wants_attention_has_a_mark(watch: Watch) -> None:
    view = replace(running_view(), notices=(), awaits_input=True)
    async with watch(FakeFeed(view), (80, 24)) as (app, pilot):
        assert "6 Output!" in screen_text(app)
        assert "8 Notes!" not in screen_text(app)
        assert "INPUT AWAITED: i" in screen_lines(app)[0]
        await pilot.press("6")
        await pilot.pause()
        assert "6 Output!" not in screen_text(app)
