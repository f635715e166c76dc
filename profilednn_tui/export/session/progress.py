"""The lines that a run without a screen prints from time to time: how far it is, and how long it will still take."""

from __future__ import annotations

from profilednn_tui import units
from profilednn_tui.session.view import SessionView
from profilednn_tui.session.words import remaining_words

SHARE = 0.1
"""A line comes when this share of the run has passed since the last one,"""
INTERVAL_S = 60.0
"""but not sooner than this, and none when less is left."""


class ProgressLines:
    """Decides when there is a line, and what it says."""

    def __init__(self) -> None:
        self._last_s: float | None = None

    def line(self, view: SessionView) -> str | None:
        """The next line; None if none is due."""
        target, left_s = view.target, view.remaining.seconds
        if left_s is None or left_s < INTERVAL_S or not target.start_unix_ns:
            return None
        now_s = view.unix_ns / 1e9
        whole_s = now_s - target.start_unix_ns / 1e9 + left_s
        if self._last_s is not None and now_s - self._last_s < max(INTERVAL_S, SHARE * whole_s):
            return None
        self._last_s = now_s
        of = f" of {units.count(view.remaining.steps)}" if view.remaining.steps is not None else ""
        return f"step {units.count(view.steps.count)}{of}, {remaining_words(view.remaining)}"
