"""What all controllers have: the app to show dialogs on, and the session that is followed."""

from __future__ import annotations

from textual.app import App

from profilednn_tui.tui.following import Following


class Controller:
    """Stands between the keys of the app and the session."""

    def __init__(self, app: App[None], following: Following) -> None:
        self._app = app
        self._following = following
        self._feed = following.feed

    def refuses_foreign(self) -> bool:
        """Whether the session is somebody else's, which must not be run or steered; tells the user why."""
        if self._feed.foreign:
            self._app.notify(self._feed.foreign, severity="warning", timeout=8)
        return bool(self._feed.foreign)
