"""From the findings to their evidence, and on to its places."""

from __future__ import annotations

from dataclasses import replace

import pytest

from profilednn_tui.session.view import SessionView, Target
from profilednn_tui.tui.panels.pane import Pane
from profilednn_tui.tui.screens.findings import EvidenceView, FindingScreen, FindingsScreen
from profilednn_tui.tui.screens.live import LiveScreen
from profilednn_tui.tui.screens.operator import OperatorScreen
from profilednn_tui.tui.screens.primitives import PrimitivesScreen
from profilednn_tui.tui.screens.source_code import SourceCodeScreen
from tests.tui.advised import ADVICE, DATA, advised_app
from tests.tui.apps import following
from tests.tui.feeds import running_view
from tests.tui.pictures import come_to_rest
from tests.tui.screen_text import screen_lines, screen_text

SIZES = [(80, 24), (120, 40), (200, 60)]


def at_home() -> SessionView:
    """`running_view` of a script in /home/me."""
    return replace(running_view(), target=Target("train.py", ("train.py",), "/home/me"))


@pytest.mark.parametrize("size", SIZES)
async def test_a_lists_ceilings_and_sentences_and_escape_goes_back(size: tuple[int, int]) -> None:
    async with following(advised_app(), size) as (app, pilot):
        await come_to_rest(app, pilot)
        await pilot.press("a")
        await come_to_rest(app, pilot)
        lines = screen_lines(app)
        first = next(number for number, line in enumerate(lines) if "94 %" in line and "waits for data" in line)
        assert "41 %" in lines[first + 1]
        assert "31 %" in lines[first + 1], "measured"
        assert "8 threads share 2 cores" in lines[first + 1]
        assert "cannot tell reorders" in lines[first + 3]
        assert "Prepare batches in other processes" in screen_text(app), "what to try for the row under the cursor"
        await pilot.press("escape")
        await pilot.pause()
        assert isinstance(app.screen, LiveScreen)


async def test_the_record_of_this_machine_is_in_sight_at_every_width() -> None:
    for size in SIZES:
        async with following(advised_app(), size) as (app, pilot):
            await come_to_rest(app, pilot)
            await pilot.press("a", "j")
            await come_to_rest(app, pilot)
            assert "helped 3 of 4 times" in screen_text(app)


async def test_the_header_leads_to_the_findings() -> None:
    async with following(advised_app(), (80, 24)) as (app, pilot):
        await come_to_rest(app, pilot)
        line = screen_lines(app)[0]
        assert "data wait 94 %: a" in line
        await pilot.click(offset=(line.index("data wait"), 0))
        await come_to_rest(app, pilot)
        assert isinstance(app.screen, FindingsScreen)


@pytest.mark.parametrize(("number", "kind", "seen"), [
    (2, OperatorScreen, "Findings › thread oversubscription › aten::mm"),
    (3, PrimitivesScreen, "Findings › thread oversubscription › oneDNN primitives"),
    (4, SourceCodeScreen, "Findings › thread oversubscription › me/model.py:4"),
])  # fmt: skip
async def test_evidence_leads_to_its_place_and_escape_back(number: int, kind: type, seen: str) -> None:
    async with following(advised_app(at_home())) as (app, pilot):
        await come_to_rest(app, pilot)
        await pilot.press("a", "j", "enter")
        await come_to_rest(app, pilot)
        assert isinstance(app.screen, FindingScreen)
        assert "Findings › thread oversubscription" in screen_lines(app)[2]
        await pilot.press(*["j"] * number, "enter")
        await come_to_rest(app, pilot)
        assert isinstance(app.screen, kind)
        assert seen in screen_lines(app)[2]
        await pilot.press("escape")
        await come_to_rest(app, pilot)
        assert app.screen.query_one(EvidenceView).cursor == number
        await pilot.press("escape", "escape")
        await pilot.pause()
        assert isinstance(app.screen, LiveScreen)


async def test_evidence_in_a_pane_leads_to_the_dashboard_with_that_pane() -> None:
    async with following(advised_app(), (80, 24)) as (app, pilot):
        await come_to_rest(app, pilot)
        await pilot.press("a", "j", "enter")
        await come_to_rest(app, pilot)
        await pilot.press("j", "enter")
        await come_to_rest(app, pilot)
        assert isinstance(app.screen, LiveScreen)
        assert isinstance(app.focused, Pane)
        assert app.focused.NAME == "threads"


async def test_evidence_without_a_place_says_so() -> None:
    async with following(advised_app()) as (app, pilot):
        await come_to_rest(app, pilot)
        await pilot.press("a", "j", "enter")
        await come_to_rest(app, pilot)
        await pilot.press("G", "enter")
        await pilot.pause()
        assert isinstance(app.screen, FindingScreen)
        assert "no place of its own" in screen_text(app)


async def test_a_rule_that_cannot_tell_has_no_evidence_to_open() -> None:
    async with following(advised_app()) as (app, pilot):
        await come_to_rest(app, pilot)
        await pilot.press("a", "G", "enter")
        await come_to_rest(app, pilot)
        assert isinstance(app.screen, FindingsScreen)
        assert "no window has data on oneDNN primitives" in screen_text(app)


async def test_a_finding_that_disappears_while_it_is_open_stays_and_says_so() -> None:
    async with following(advised_app()) as (app, pilot):
        await come_to_rest(app, pilot)
        await pilot.press("a", "enter")
        await come_to_rest(app, pilot)
        app.advising._show(replace(app.advising.findings, advice=replace(ADVICE, findings=ADVICE.findings[1:])))
        await pilot.pause()
        assert "not found any more" in screen_text(app)
        assert DATA.sentence in screen_text(app)


async def test_findings_are_in_the_pane_of_notices() -> None:
    async with following(advised_app()) as (app, pilot):
        await come_to_rest(app, pilot)
        await pilot.press("8")
        await come_to_rest(app, pilot)
        assert f"94 % {DATA.sentence}" in screen_text(app)
