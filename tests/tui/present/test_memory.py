"""The memory pane."""

from __future__ import annotations

from profilednn_tui.session.view import (
    SessionView,
)
from profilednn_tui.tui.present import memory
from tests.tui.screen_text import lines_text


def test_memory_without_a_sample_shows_no_zeros() -> None:
    assert lines_text(memory.memory_lines(SessionView().memory, 40, 10)) == "No sample yet."
