"""Choosing optimizations and running the target again with them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from enum import Enum, auto
from functools import lru_cache

from textual.app import App
from textual.screen import ModalScreen

from profilednn_tui.launch.optimizations import OptimizationDescription
from profilednn_tui.tui.controllers.controller import Controller
from profilednn_tui.tui.controllers.quitting import Quitting
from profilednn_tui.tui.following import Following
from profilednn_tui.tui.screens.choice import Choice, ChoiceScreen
from profilednn_tui.tui.screens.optimizations import OptimizationsScreen


class RerunAnswer(Enum):
    """What to do about the next run."""

    RERUN = auto()


class Rerunning(Controller):
    """Holds the settings of the next run."""

    def __init__(
        self,
        app: App[None],
        following: Following,
        quitting: Quitting,
        check: Callable[[], tuple[OptimizationDescription, ...]],
        command: str,
        optimizations: Collection[str],
        trying: Callable[[], str],
    ) -> None:
        """`trying` names the finding whose remedy is being tried; empty if none is."""
        super().__init__(app, following)
        self.chosen = frozenset(optimizations)
        """The optimizations of the next run."""
        self._quitting = quitting
        self._trying = trying
        self._check = lru_cache(maxsize=1)(check)
        self._command = command
        """The command that a rerun starts."""

    def show_optimizations(self) -> None:
        on_top = isinstance(self._app.screen, OptimizationsScreen | ModalScreen)
        if not on_top and not self.refuses_foreign():
            self._app.push_screen(OptimizationsScreen(self.chosen, self._check))

    def ask(self) -> None:
        """Run the target again; ask first, as the new run replaces what is on the screen."""
        if isinstance(self._app.screen, ModalScreen) or self.refuses_foreign():
            return
        if self._trying():
            self._app.notify(f"{self._trying()} is still being tried: wait for its end.", severity="warning", timeout=6)
            return
        chosen, running = self.chosen, self._following.latest.live
        names = ", ".join(sorted(chosen)) or "no optimization"
        choices: tuple[Choice[RerunAnswer], ...] = (
            Choice("r", f"{'End it as ctrl+c would, then run' if running else 'Run'} with {names}", RerunAnswer.RERUN),
            Choice("c", "Cancel", None),
        )

        def rerun(answer: RerunAnswer | None) -> None:
            if answer is RerunAnswer.RERUN:
                self._quitting.run_again(chosen)

        question = "The training is still running" if running else "Run the same target again"
        self._app.push_screen(ChoiceScreen(question, choices, self._command), rerun)
