"""Windows and processes: which one is on the screen, and commands to the agent about windows."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import App

from profilednn_tui import units
from profilednn_tui.protocol.events import Command
from profilednn_tui.protocol.vocabulary import MEMORY_NOW, PAUSE_WINDOWS, RESUME_WINDOWS, WINDOW_NOW
from profilednn_tui.session.keys import ALL_RANKS
from profilednn_tui.session.view import ProcessEntry
from profilednn_tui.tui.controllers.controller import Controller
from profilednn_tui.tui.following import Following
from profilednn_tui.tui.screens.choice import Choice, ChoiceScreen


class Windows(Controller):
    """Chooses what is shown, and sends commands to the agent."""

    def __init__(self, app: App[None], following: Following, publish: Callable[[], None]) -> None:
        super().__init__(app, following)
        self._publish = publish
        """Brings the choice to the screen."""
        self._asked: tuple[bool, bool] | None = None
        """Whether windows were asked to pause, and what the agent reported then: it answers at its next step."""

    def step(self, step: int) -> None:
        """Show an earlier or later window."""
        if self._following.step_window(step):
            self._publish()
        else:
            self._app.notify("No window has been recorded yet.", timeout=3)

    def show_all(self) -> None:
        """Show all windows merged."""
        self._following.show_window(None)
        self._publish()

    def take(self) -> None:
        self._command(WINDOW_NOW, "A window opens at the next step.")

    def measure_memory(self) -> bool:
        """Ask for an account of the memory, and what two steps allocate; returns whether that was sent."""
        if not self._following.latest.live:
            self._app.notify("Only a training that runs can be measured.", timeout=3)
            return False
        return self._command(
            MEMORY_NOW, "The memory is looked at after the next step, and allocations in the two after it."
        )

    def pause_or_resume(self) -> None:
        reported = self._following.latest.agent.paused
        paused = self._asked[0] if self._asked is not None and self._asked[1] is reported else reported
        if paused:
            sent = self._command(RESUME_WINDOWS, "Windows are taken again.")
        else:
            sent = self._command(PAUSE_WINDOWS, "Windows are paused; steps are still timed.")
        self._asked = (not paused, reported) if sent else None

    def _command(self, action: str, done: str) -> bool:
        """Send a command to the agent; returns whether it was sent."""
        if self.refuses_foreign():
            return False
        sent = self._following.latest.live and self._feed.send(Command(action)) > 0
        if sent:
            self._app.notify(done, timeout=3)
        else:
            text = "No agent is listening: the target has ended or not imported torch yet."
            self._app.notify(text, severity="warning")
        return sent

    def ask_process(self) -> None:
        """Ask which process of the target to show."""
        entries = self._following.latest.processes
        if len(entries) < 2:
            text = "The target has one process with an agent." if entries else "No process has an agent yet."
            self._app.notify(text, timeout=3)
            return
        newest = {entry.key: entry for entry in entries}.values()
        choices = [Choice(str(number)[-1], _process_text(entry), entry.key) for number, entry in enumerate(newest)]
        if len(self._following.latest.ranks) > 1:
            choices.append(Choice("a", "operators of all ranks merged", ALL_RANKS))
        self._app.push_screen(ChoiceScreen("Process", choices), self.show_process)

    def show_process(self, key: int | None) -> None:
        """Show a process of the target; None changes nothing."""
        if key is not None:
            self._following.select_process(key)
            self._publish()


def _process_text(entry: ProcessEntry) -> str:
    name = f"rank {entry.rank}" if entry.rank is not None else "process"
    life = f"{units.ordinal(entry.life)} life  " if entry.life > 1 else ""
    return f"{name}  pid {entry.pid}  {life}{entry.steps:,} steps{'  ended' if entry.ended else ''}"
