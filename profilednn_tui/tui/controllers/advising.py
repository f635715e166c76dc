"""Asking the rules about the session, and showing what they found."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from types import MappingProxyType

from textual.app import App
from textual.message import Message
from textual.screen import ModalScreen

from profilednn_tui.advise.findings import Advice
from profilednn_tui.advise.proof import with_proofs
from profilednn_tui.session.proof import Proof
from profilednn_tui.session.view import EMPTY_VIEW, SessionView
from profilednn_tui.tui.controllers.controller import Controller
from profilednn_tui.tui.following import Following
from profilednn_tui.tui.present.advice import Attempt, Findings

PAUSE_S = 4.0
"""From an answer to the next question."""
SHARE = 0.005
"""Fraction of one core that the rules may take."""


class Advised(Message):
    """The rules have answered."""

    def __init__(self, advice: Advice, cost_s: float) -> None:
        super().__init__()
        self.advice = advice
        self.cost_s = cost_s
        """Processor time."""


class Advising(Controller):
    """Keeps the findings up to date: rules are asked in a thread, about a new state of the session only."""

    def __init__(
        self,
        app: App[None],
        following: Following,
        publish: Callable[[], None],
        proofs: Callable[[], Iterable[Proof]],
        session: str,
    ) -> None:
        """`proofs` reads what was tried on this machine before, and may take a moment; `session` is the name in it."""
        super().__init__(app, following)
        self.findings = Findings()
        self._publish = publish
        self._proofs = proofs
        self._session = session
        self._asked: SessionView = EMPTY_VIEW
        self._resting = False
        """Whether the rules are at work, or answered a moment ago."""
        self._tried: dict[str, Proof] = {}

    def show(self) -> None:
        """Open the list."""
        # Imported here: the screen is not needed before the first frame.
        from profilednn_tui.tui.screens.findings import FindingsScreen

        if not isinstance(self._app.screen, FindingsScreen | ModalScreen):
            self._app.push_screen(FindingsScreen(self._feed.source))

    def look(self) -> None:
        """Ask the rules about what is on the screen, unless they were a moment ago, or it is not the whole session."""
        display, view = self._following.display, self._following.shown
        whole = not display.paused and display.window is None and not display.reading
        if whole and not self._resting and view is not self._asked:
            self._resting, self._asked = True, view
            self._app.run_worker(lambda: self._ask(view), group="advice", thread=True)

    def take(self, event: Advised) -> None:
        """Show an answer, and rest."""
        self._app.set_timer(max(PAUSE_S, event.cost_s / SHARE), self._rested)
        self._show(replace(self.findings, advice=self._with_tried(event.advice)))

    def attempt(self, rule: str, attempt: Attempt | None) -> None:
        """How trying a remedy goes; None when it has ended well."""
        attempts = {**self.findings.attempts, **({rule: attempt} if attempt is not None else {})}
        if attempt is None:
            attempts.pop(rule, None)
        self._show(replace(self.findings, attempts=MappingProxyType(attempts)))

    def measured(self, proof: Proof) -> None:
        """Show what came out for a finding."""
        self._tried[proof.rule] = proof
        if self.findings.advice is not None:
            self._show(replace(self.findings, advice=self._with_tried(self.findings.advice)))
        self._asked = EMPTY_VIEW  # the record of the rule has changed
        self.look()

    def _show(self, findings: Findings) -> None:
        self.findings = findings
        self._publish()

    def _ask(self, view: SessionView) -> None:
        """Runs in its own thread."""
        from profilednn_tui.advise.advisor import advise

        started_s = time.thread_time()
        advice = with_proofs(advise(view), self._proofs(), self._session)
        self._app.post_message(Advised(advice, time.thread_time() - started_s))

    def _rested(self) -> None:
        self._resting = False
        self.look()

    def _with_tried(self, advice: Advice) -> Advice:
        """The advice with what was measured since this screen began, which is the newest."""
        found = (replace(one, measured=self._tried.get(one.rule, one.measured)) for one in advice.findings)
        return replace(advice, findings=tuple(found))
