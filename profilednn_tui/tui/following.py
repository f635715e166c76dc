"""The state of the session on the screen: the newest one, one held by a pause, or that of a single window."""

from __future__ import annotations

import time
from dataclasses import replace

from profilednn_tui.session.view import EMPTY_VIEW, Operators, SessionView
from profilednn_tui.tui.feed import Feed
from profilednn_tui.tui.present.header import Display

_READING_S = 0.05
"""How long a recording is read at a stretch: keys have to wait for it."""


class Following:
    """Follows a session."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.latest: SessionView = EMPTY_VIEW
        """The newest state."""
        self.shown: SessionView = EMPTY_VIEW
        """What the screens show: older than `latest` during a pause."""
        self.paused = False
        self._window: int | None = None
        self._stretch: tuple[Operators, str] | None = None
        """Operators that are shown instead of those of whole steps, and what to call them."""

    def poll(self) -> None:
        """Read new data."""
        deadline_s = time.monotonic() + _READING_S
        changed = self.feed.poll()
        while self.feed.behind and time.monotonic() < deadline_s:
            changed = self.feed.poll() or changed
        if changed or self.latest is EMPTY_VIEW:
            self.latest = self.feed.view(self._window)
            if not self.paused:
                self.shown = self._in_stretch(self.latest)

    @property
    def display(self) -> Display:
        """How the session is displayed."""
        return Display(
            paused=self.paused,
            behind_steps=self.latest.steps.count - self.shown.steps.count,
            window=self._window,
            reading=self.feed.behind,
            stretch=self._stretch[1] if self._stretch else "",
        )

    def toggle_pause(self) -> None:
        self.paused = not self.paused
        if not self.paused:
            self.shown = self._in_stretch(self.latest)

    def show_stretch(self, operators: Operators | None, text: str) -> None:
        """Show the operators of a stretch of time, or with None those of whole steps again."""
        self._stretch = None if operators is None else (operators, text)
        self.shown = self._in_stretch(replace(self.shown, operators=self.latest.operators))

    def _in_stretch(self, view: SessionView) -> SessionView:
        return view if self._stretch is None else replace(view, operators=self._stretch[0])

    def show_window(self, number: int | None) -> None:
        """Show the operators of one window, or of all merged; a pause holds everything else."""
        self._window, self._stretch = number, None
        self.latest = self.feed.view(number)
        self.shown = replace(self.shown, operators=self.latest.operators) if self.paused else self.latest

    def step_window(self, step: int) -> bool:
        """Go to an earlier or later window; after the newest come all merged. False if there is no window."""
        numbers = self.latest.window_numbers
        if not numbers:
            return False
        index = numbers.index(self._window) if self._window in numbers else len(numbers)
        index = max(0, index + step)
        self.show_window(numbers[index] if index < len(numbers) else None)
        return True

    def select_process(self, key: int) -> None:
        """Follow another process of the target."""
        self.feed.select_process(key)
        self.show_window(None)
