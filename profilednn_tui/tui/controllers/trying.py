"""Trying the remedy of a finding: questions, progress and the result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum, auto

from textual.app import App
from textual.message import Message
from textual.screen import ModalScreen

from profilednn_tui.advise.findings import Finding
from profilednn_tui.tui.controllers.advising import Advising
from profilednn_tui.tui.controllers.controller import Controller
from profilednn_tui.tui.following import Following
from profilednn_tui.tui.keys import with_keys
from profilednn_tui.tui.present.advice import Attempt, rule_words
from profilednn_tui.tui.screens.choice import Choice, ChoiceScreen
from profilednn_tui.tui.trial import Answer, Trial, proof_in


class TryAnswer(Enum):
    """What to do."""

    TRY = auto()
    STOP = auto()


class Progressed(Message):
    """A trial tells how far it is."""

    def __init__(self, rule: str, line: str) -> None:
        super().__init__()
        self.rule = rule
        self.line = line


class Tried(Message):
    """A trial has ended."""

    def __init__(self, finding: Finding, answer: Answer) -> None:
        super().__init__()
        self.finding = finding
        self.answer = answer


class Trying(Controller):
    """Runs one trial at a time, until it ends or the app does."""

    def __init__(
        self,
        app: App[None],
        following: Following,
        advising: Advising,
        command: Callable[[str], Sequence[str]] | None,
        why_not: Callable[[Finding], str],
        session: str,
    ) -> None:
        """`command` tries the remedy of a rule; `why_not` says in a sentence why that cannot be, if so."""
        super().__init__(app, following)
        self._advising = advising
        self._command = command
        self._refused = why_not
        self._session = session
        self._trial: Trial | None = None

    def ask(self, finding: Finding) -> None:
        """Try a remedy, or say why not; ask first if the training still runs, or whether to stop a try that does."""
        if isinstance(self._app.screen, ModalScreen):
            return
        attempt = self._advising.findings.attempts.get(finding.rule)
        if self._trial is not None and attempt is not None and attempt.running:
            self._ask_to_stop(self._trial)
            return
        refusal = self._why_not(finding)
        if refusal:
            self._app.notify(refusal, severity="warning", timeout=8)
        elif self._following.latest.live:
            self._ask_beside(finding)
        else:
            self._start(finding)

    def progressed(self, event: Progressed) -> None:
        self._advising.attempt(event.rule, Attempt(True, event.line))

    def ended(self, event: Tried) -> None:
        """Show the result on the finding, or why there is none."""
        self._trial = None
        finding, answer = event.finding, event.answer
        proof = proof_in(answer.document, finding, self._session)
        if proof is None:
            why = answer.last_line or f"the trial ended with exit code {answer.exit_code}"
            self._advising.attempt(finding.rule, Attempt(False, why))
            self._app.notify(f"{rule_words(finding.rule)} was not tried: {why}", severity="warning", timeout=8)
        else:
            self._advising.attempt(finding.rule, None)
            self._advising.measured(proof)
            self._app.notify(
                f"{rule_words(finding.rule)} was tried: {with_keys(self._app, '{advice}')} shows what came out.",
                timeout=8,
            )

    def stop(self) -> None:
        """End a trial that is still running, with all its processes."""
        if self._trial is not None:
            self._trial.stop()

    def _why_not(self, finding: Finding) -> str:
        trying = self._advising.findings.trying
        if finding.remedy.change:
            return f"This is a change of the script, which cannot be tried from here: {finding.remedy.change}"
        if self._feed.foreign:
            return self._feed.foreign
        if trying:
            return f"One at a time: {trying} is still being tried."
        if self._command is None:
            return "Nothing can be tried from here: `profilednn-tui advise` shows the command."
        return self._refused(finding)

    def _ask_beside(self, finding: Finding) -> None:
        choices: tuple[Choice[TryAnswer], ...] = (
            Choice("t", "Try it now, beside the training", TryAnswer.TRY),
            Choice("c", "Cancel", None),
        )

        def answered(answer: TryAnswer | None) -> None:
            if answer is TryAnswer.TRY:
                self._start(finding)

        detail = "Both would disturb each other: the training slows down, and the result is less certain."
        self._app.push_screen(ChoiceScreen("The training is still running", choices, detail), answered)

    def _ask_to_stop(self, trial: Trial) -> None:
        choices: tuple[Choice[TryAnswer], ...] = (
            Choice("s", "Stop it: nothing of it is kept", TryAnswer.STOP),
            Choice("c", "Cancel", None),
        )

        def answered(answer: TryAnswer | None) -> None:
            if answer is TryAnswer.STOP:
                self._app.run_worker(trial.stop, group="trial", thread=True)

        self._app.push_screen(ChoiceScreen("This remedy is still being tried", choices), answered)

    def _start(self, finding: Finding) -> None:
        assert self._command is not None
        try:
            self._trial = trial = Trial(self._command(finding.rule))
        except OSError as error:
            self._app.notify(f"The trial cannot be started: {error.strerror}.", severity="warning", timeout=8)
            return
        self._advising.attempt(finding.rule, Attempt(True, "starting"))
        self._app.run_worker(lambda: self._follow(finding, trial), group="trial", thread=True)

    def _follow(self, finding: Finding, trial: Trial) -> None:
        """Runs in its own thread."""
        for line in trial.lines():
            self._app.post_message(Progressed(finding.rule, line))
        self._app.post_message(Tried(finding, trial.answer()))
