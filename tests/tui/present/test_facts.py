"""Notices and facts."""

from __future__ import annotations

from dataclasses import replace

from profilednn_tui.tui.present import facts
from profilednn_tui.tui.present.advice import Findings
from tests.tui.feeds import running_view
from tests.tui.screen_text import lines_text


def test_warnings_come_before_information() -> None:
    view = replace(running_view(), agent=replace(running_view().agent, dropped_events=12, errors=("boom",)))
    lines = lines_text(facts.notice_lines(view, Findings(), 80))
    assert "12 events were dropped" in lines
    assert "boom" in lines
