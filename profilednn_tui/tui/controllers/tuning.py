"""Searching for the fastest setting: questions, and the process that does it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum, auto
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import App
from textual.message import Message
from textual.screen import ModalScreen

from profilednn_tui.errors import ProfilerError
from profilednn_tui.tui.controllers.controller import Controller
from profilednn_tui.tui.following import Following
from profilednn_tui.tui.screens.choice import Choice, ChoiceScreen
from profilednn_tui.tui.trial import Trial

if TYPE_CHECKING:
    from profilednn_tui.tui.present.tuning import Running


class TuneAnswer(Enum):
    """What to do."""

    SEARCH = auto()
    STOP = auto()


class StopRequested(Message):
    """The user wants to end the search."""


class SearchEnded(Message):
    """The search is over, or was stopped."""

    def __init__(self, outcome: str) -> None:
        super().__init__()
        self.outcome = outcome
        """What came out, in a line."""


class Tuning(Controller):
    """Carries out one search at a time, until it ends or the app does."""

    def __init__(
        self,
        app: App[None],
        following: Following,
        why_not: Callable[[], str],
        begin: Callable[[], Path] | None,
        command: Callable[[Path], Sequence[str]],
    ) -> None:
        """`begin` makes the folder of a search; `command` carries it out; `why_not` says why that cannot be."""
        super().__init__(app, following)
        self._refused = why_not
        self._begin = begin
        self._command = command
        self._process: Trial | None = None
        self._folder: Path | None = None
        self._line = ""
        self._outcome = ""

    @property
    def searching(self) -> str:
        """What goes on, in words; empty if nothing does."""
        return "a search for the fastest setting" if self._process is not None else ""

    def ask(self) -> None:
        """Show the search; begin one, if there is none, after asking."""
        if isinstance(self._app.screen, ModalScreen):
            return
        if self._folder is not None:
            self._show()
            return
        refusal = self._refused() if self._begin is not None else "Nothing can be searched for from here."
        if refusal:
            self._app.notify(refusal, severity="warning", timeout=8)
            return
        choices: tuple[Choice[TuneAnswer], ...] = (
            Choice("s", "Search", TuneAnswer.SEARCH),
            Choice("c", "Cancel", None),
        )
        detail = "It runs the script again and again, for 20 minutes, and then proves the best."
        if self._following.latest.live:
            detail += " The training still runs: both would disturb each other, and the result is less certain."
        self._app.push_screen(ChoiceScreen("Find the fastest setting and prove it?", choices, detail), self._answered)

    def ask_to_stop(self) -> None:
        """End the search, after asking."""
        if self._process is None:
            self._app.notify("The search has ended.", timeout=3)
            return
        choices: tuple[Choice[TuneAnswer], ...] = (
            Choice("s", "Stop it", TuneAnswer.STOP),
            Choice("c", "Cancel", None),
        )
        detail = "What is proven so far is shown, and `tune --resume` goes on."
        self._app.push_screen(ChoiceScreen("The search still runs", choices, detail), self._answered)

    def stop(self) -> None:
        """End a search that still runs, with all its processes."""
        if self._process is not None:
            self._process.stop()

    def running(self) -> Running:
        """How far the search is."""
        from profilednn_tui.tui.present.tuning import Running
        from profilednn_tui.tune.record import load_search

        assert self._folder is not None
        try:
            record = load_search(self._folder)
        except ProfilerError:  # it is just being written, or gone
            record = None
        return Running(record, self._line, self._process is None, self._outcome)

    def ended(self, event: SearchEnded) -> None:
        """Keep what came out."""
        self._process = None
        self._outcome = event.outcome
        self._app.notify(event.outcome, timeout=8)

    def _answered(self, answer: TuneAnswer | None) -> None:
        if answer is TuneAnswer.SEARCH:
            self._start()
        elif answer is TuneAnswer.STOP and self._process is not None:
            self._app.run_worker(self._process.stop, group="search", thread=True)

    def _start(self) -> None:
        assert self._begin is not None
        try:
            self._folder = self._begin()
            self._process = process = Trial(self._command(self._folder))
        except (ProfilerError, OSError) as error:
            self._folder = None
            self._app.notify(f"The search cannot be started: {error}", severity="warning", timeout=8)
            return
        self._app.run_worker(lambda: self._follow(process), group="search", thread=True)
        self._show()

    def _show(self) -> None:
        # Imported here: the screen is not needed before the first frame.
        from profilednn_tui.tui.screens.tuning import TuningScreen

        if not isinstance(self._app.screen, TuningScreen):
            self._app.push_screen(TuningScreen(self.running))

    def _follow(self, process: Trial) -> None:
        """Runs in its own thread."""
        for line in process.lines():
            self._line = line
        answer = process.answer()
        first = answer.document.decode("utf-8", "replace").splitlines()[:1]
        outcome = " ".join(first[0].split()) if first else answer.last_line
        self._app.post_message(SearchEnded(outcome or f"the search ended with exit code {answer.exit_code}"))
