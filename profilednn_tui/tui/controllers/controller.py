"""The base of all controllers: the app to show dialogs on, and the session that is followed."""

from __future__ import annotations

from textual.app import App

from profilednn_tui.tui.following import Following


class Controller:
    """Connects the keys of the app with the session."""

    def __init__(self, app: App[None], following: Following) -> None:
        self._app = app
        self._following = following
        self._feed = following.feed

    def refuses_foreign(self) -> bool:
        """Whether the session is another user's, which must not be run or controlled; if so, tells the user why."""
        if self._feed.foreign:
            self._app.notify(self._feed.foreign, severity="warning", timeout=8)
        return bool(self._feed.foreign)
