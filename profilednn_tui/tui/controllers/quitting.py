"""Leaving the session, and what happens to a running target."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto

from textual.app import App

from profilednn_tui.tui.controllers.controller import Controller
from profilednn_tui.tui.following import Following
from profilednn_tui.tui.keys import with_keys
from profilednn_tui.tui.screens.choice import Choice, ChoiceScreen

INTERRUPT = b"\x03"
"""What a terminal sends for ctrl+c: the target's terminal turns it into SIGINT, as it would without the profiler."""


class Parting(Enum):
    """How to leave a process that was attached to."""

    DETACH = auto()
    STAY = auto()


class QuitAnswer(Enum):
    """How to leave a target that was launched here."""

    LEAVE = auto()
    STOP = auto()


class TrialAnswer(Enum):
    """What to do about a remedy that is being tried."""

    END = auto()


class Quitting(Controller):
    """Ends the app, and first the target if the user wants that."""

    def __init__(self, app: App[None], following: Following, launched: bool, trying: Callable[[], str]) -> None:
        """`trying` names the finding whose remedy is being tried, which ends with the app; empty if none is."""
        super().__init__(app, following)
        self._launched = launched
        self._trying = trying
        self.parting: Parting | None = None
        """What happens to a process that was attached to; None until the user has decided."""
        self.rerun_with: frozenset[str] | None = None
        """The optimizations of the next run, if the app ends in order to start the target again."""
        self.stopping = False
        """Whether the app ends as soon as the target has ended."""

    @property
    def _owns_running_target(self) -> bool:
        return not self._feed.foreign and self._launched and self._following.latest.live

    @property
    def _visits_running_target(self) -> bool:
        view = self._following.latest
        return not self._feed.foreign and view.target.attached and view.live

    def ask(self) -> None:
        """Quit; ask first if a running target can be left or stopped, or a trial would end."""
        if isinstance(self._app.screen, ChoiceScreen):
            return
        if self._visits_running_target:
            self._ask_parting()
        elif self._owns_running_target:
            self._ask_quit()
        elif self._trying():
            self._ask_end_of_trial()
        else:
            self._app.exit()

    def leave(self) -> None:
        """Quit without asking; a process that was attached to is left by its agent, too."""
        self.parting = Parting.DETACH if self._visits_running_target else None
        self._app.exit()

    def interrupt(self) -> None:
        """Do what ctrl+c would do in the target's terminal."""
        if self._visits_running_target or (self._trying() and not self._owns_running_target):
            self.ask()
        elif not self._owns_running_target:
            self._app.exit()
        elif self._feed.write_input(INTERRUPT):
            self._app.notify("Sent ctrl+c to the target.", timeout=3)
        else:
            self._app.notify(
                with_keys(self._app, "The target's terminal does not take input; press {quit} to leave."),
                severity="warning",
            )

    def run_again(self, optimizations: frozenset[str]) -> None:
        """End the app so that the target is started again; a running target has to end first."""
        if self._following.latest.live:
            if not self._feed.write_input(INTERRUPT):
                text = "The target's terminal does not take input: end the target where it was started."
                self._app.notify(text, severity="warning")
                return
            self.stopping = True
            self._app.notify("Sent ctrl+c to the target; the next run starts when it has ended.", timeout=8)
        self.rerun_with = optimizations
        if not self.stopping:
            self._app.exit()

    def _ask_parting(self) -> None:
        choices: tuple[Choice[Parting], ...] = (
            Choice("d", "Detach: the agent leaves, training continues", Parting.DETACH),
            Choice("s", "Stay: recording continues; `profilednn-tui attach` comes back", Parting.STAY),
            Choice("c", "Cancel", None),
        )
        self._app.push_screen(ChoiceScreen("Leave the training", choices, self._what_ends()), self._part)

    def _part(self, answer: Parting | None) -> None:
        if answer is not None:
            self.parting = answer
            self._app.exit()

    def _ask_quit(self) -> None:
        choices: tuple[Choice[QuitAnswer], ...] = (
            Choice("l", "Leave it running; `profilednn-tui attach` comes back to it", QuitAnswer.LEAVE),
            Choice("s", "Stop it as ctrl+c would, then quit", QuitAnswer.STOP),
            Choice("c", "Cancel", None),
        )
        question = "The training has not stopped yet" if self.stopping else "The training is still running"
        self._app.push_screen(ChoiceScreen(question, choices, self._what_ends()), self._quit)

    def _what_ends(self) -> str:
        return f"{self._trying()} is still being tried: that ends, too." if self._trying() else ""

    def _ask_end_of_trial(self) -> None:
        choices: tuple[Choice[TrialAnswer], ...] = (
            Choice("e", "End the trial and quit", TrialAnswer.END),
            Choice("c", "Cancel", None),
        )

        def answered(answer: TrialAnswer | None) -> None:
            if answer is TrialAnswer.END:
                self._app.exit()

        self._app.push_screen(ChoiceScreen(f"{self._trying()} is still being tried", choices), answered)

    def _quit(self, answer: QuitAnswer | None) -> None:
        if answer is None:
            return
        self.rerun_with = None
        if answer is QuitAnswer.LEAVE:
            self._app.exit()
        else:
            self.stopping = True
            self._following.poll()  # the target may have ended while the question was open
            self.interrupt()
