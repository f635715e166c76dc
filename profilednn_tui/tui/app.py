"""The app: follows a session and hands each state of it to the screen on top."""

from __future__ import annotations

import gc
import os
import subprocess
import time
from collections.abc import Callable, Collection
from dataclasses import replace
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import App
from textual.binding import Binding, BindingType
from textual.command import Provider
from textual.screen import ModalScreen
from textual.theme import Theme

from profilednn_tui import units
from profilednn_tui.errors import ProfilerError
from profilednn_tui.launch.optimizations import OptimizationDescription
from profilednn_tui.plain import plain_lines
from profilednn_tui.protocol.events import Command
from profilednn_tui.protocol.vocabulary import PAUSE_WINDOWS, RESUME_WINDOWS, WINDOW_NOW
from profilednn_tui.session.view import EMPTY_VIEW, SessionView, State
from profilednn_tui.tui import theme as themes
from profilednn_tui.tui.commands import ActionsProvider
from profilednn_tui.tui.driver import TerminalDriver
from profilednn_tui.tui.editor import editor_command
from profilednn_tui.tui.feed import Feed
from profilednn_tui.tui.panels.lines import LinesView
from profilednn_tui.tui.panels.operators import OperatorsPane
from profilednn_tui.tui.panels.output import OutputPane
from profilednn_tui.tui.panels.steps import StepsPane
from profilednn_tui.tui.panels.table import TableView
from profilednn_tui.tui.present.header import Display
from profilednn_tui.tui.refresh_rate import RefreshRate
from profilednn_tui.tui.screens.base import EditRequested, SessionScreen
from profilednn_tui.tui.screens.choice import Choice, ChoiceScreen
from profilednn_tui.tui.screens.help import HelpScreen
from profilednn_tui.tui.screens.live import LiveScreen
from profilednn_tui.tui.screens.operator import OperatorScreen, StacksView
from profilednn_tui.tui.screens.optimizations import OptimizationsScreen, OptimizationsView
from profilednn_tui.tui.screens.primitives import PrimitivesScreen
from profilednn_tui.tui.screens.thread_stacks import ThreadStacksScreen, ThreadStacksView

if TYPE_CHECKING:
    from profilednn_tui.export.comparison.report import Report
    from profilednn_tui.tui.screens.runs import RunChoice

INTERRUPT = b"\x03"
"""What the terminal makes of ctrl+c: the target's terminal turns it into SIGINT, as without us."""
_TERMINAL_LOOK_S = 2.0
"""Between two looks whether the terminal is still there."""
_READING_S = 0.05
"""How long a recording is read at a stretch before keys are looked at again."""


def _collect_garbage_from_now_on() -> None:
    """What was imported stays: no collection need walk it again, each 30 ms."""
    gc.freeze()
    gc.enable()


class QuitChoice(Enum):
    """How to leave a process that was running before."""

    DETACH = "detach"
    STAY = "stay"


class ProfilerApp(App[None]):
    """Watches one session."""

    TITLE = "profilednn-tui"
    CSS_PATH = "app.tcss"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = App.COMMANDS | {ActionsProvider}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "help", "help", key_display="?"),
        Binding("q", "ask_quit", "quit"),
        Binding("space", "pause", "pause"),
        Binding("E", "export", "export"),
        Binding("c", "compare", "compare"),
        Binding("o", "optimizations", "optimizations"),
        Binding("r", "rerun", "run again"),
        Binding("left_square_bracket", "window(-1)", "window before", key_display="[", show=False),
        Binding("right_square_bracket", "window(1)", "next window", key_display="]", show=False),
        Binding("0", "merged", "all windows merged, live", show=False),
        Binding("w", "take_window", "take a window now", show=False),
        Binding("p", "pause_windows", "pause or resume windows", show=False),
        Binding("P", "processes", "choose the process", show=False),
        Binding("ctrl+c", "interrupt", "ctrl+c to the target", show=False, priority=True),
        Binding("ctrl+z", "suspend_process", "suspend", show=False),
        Binding("ctrl+q", "ask_quit", "quit", show=False, priority=True),
    ]

    def __init__(
        self,
        feed: Feed,
        launched: bool,
        save: Callable[[str, Path], None],
        choices: Callable[[SessionView], tuple[RunChoice, ...]] = lambda view: (),
        report: Report | None = None,
        check: Callable[[], tuple[OptimizationDescription, ...]] = tuple,
        command: str = "",
        optimizations: Collection[str] = (),
        cpu_s: Callable[[], float] = time.thread_time,
    ) -> None:
        # Textual chooses its filter in the constructor: without colours the terminal's own must be in force by then.
        super().__init__(driver_class=TerminalDriver, ansi_color=True if "NO_COLOR" in os.environ else None)
        self.register_theme(themes.DARK)
        self.register_theme(themes.LIGHT)
        first = themes.first_theme(os.environ)
        self.theme = first if first in self.available_themes else themes.DARK.name
        self.animation_level = "none"
        self._feed = feed
        self._launched = launched
        self._save = save
        self._choices = choices
        self._report = report
        self._check = lru_cache(maxsize=1)(check)
        self._command_text = command
        """What running again starts."""
        self._chosen = set(optimizations)
        """For the next run."""
        self.rerun_with: frozenset[str] | None = None
        """Set when the app ends because the user wants the target started again."""
        self._cpu_s = cpu_s
        self._refresh_rate = RefreshRate()
        self._round_started_s = cpu_s()
        self._window: int | None = None
        self._paused = False
        self._latest = EMPTY_VIEW
        self._shown = EMPTY_VIEW
        self._published: tuple[SessionView, Display, SessionScreen] | None = None
        self._stopping = False
        self.parting: QuitChoice | None = None
        """What becomes of a process that was attached to, when the user has said so."""

    def get_default_screen(self) -> LiveScreen:
        return LiveScreen(self._feed.source, self._feed.output_tail, self._feed.write_input)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        theme: Theme = self.current_theme
        return themes.phase_variables(theme)

    def on_mount(self) -> None:
        self.call_after_refresh(_collect_garbage_from_now_on)
        self.call_after_refresh(self._follow)
        self.set_interval(_TERMINAL_LOOK_S, self._leave_without_terminal)
        if self._report is not None:
            self.call_after_refresh(self._show_report, self._report)

    def _leave_without_terminal(self) -> None:
        """Nobody sees us any more: the target, or the recorder of one that was attached to, goes on."""
        if isinstance(self._driver, TerminalDriver) and self._driver.hung_up:
            self.exit()

    @property
    def exit_code(self) -> int:
        """The target's, when it has ended."""
        code = self._latest.target.exit_code
        return code if self._launched and code is not None else 0

    # ---------------------------------------------------------------- following the session

    def _follow(self) -> None:
        """Look at the session, show it, and come back when the pace allows."""
        started_s = self._cpu_s()
        cost_s, self._round_started_s = started_s - self._round_started_s, started_s
        self.follow_once()
        if self._stopping and self._latest.state in (State.ENDED, State.LOST):
            self.exit()
        elif self._feed.behind:
            self.set_timer(0.01, self._follow)
        elif self._latest.live or not self._latest.unix_ns:
            self.set_timer(self._refresh_rate.next_interval_s(cost_s, self._latest.cores.idle_percent), self._follow)

    def follow_once(self) -> None:
        """Look at the session and show it."""
        deadline_s = time.monotonic() + _READING_S
        changed = self._feed.poll()
        while self._feed.behind and time.monotonic() < deadline_s:
            changed = self._feed.poll() or changed
        if changed or self._latest is EMPTY_VIEW:
            self._latest = self._feed.view(self._window)
            if not self._paused:
                self._shown = self._latest
        self.publish()

    @on(SessionScreen.Shown)
    def publish(self) -> None:
        """Give the screen on top what is to be shown, when it is not on it already."""
        screen = next((screen for screen in reversed(self.screen_stack) if isinstance(screen, SessionScreen)), None)
        if screen is None:
            return
        display = Display(
            paused=self._paused,
            behind_steps=self._latest.steps.count - self._shown.steps.count,
            window=self._window,
            reading=self._feed.behind,
        )
        published = self._published
        output = isinstance(screen, LiveScreen) and self._latest.live and not self._paused
        if (
            not output
            and published is not None
            and published[0] is self._shown
            and published[1] == display
            and published[2] is screen
        ):
            return
        self._published = (self._shown, display, screen)
        screen.show_session(self._shown, display)

    # ---------------------------------------------------------------- time

    def action_pause(self) -> None:
        self._paused = not self._paused
        if not self._paused:
            self._shown = self._latest
        self.publish()

    def action_window(self, step: int) -> None:
        """To the window before or after; after the newest come all windows merged."""
        numbers = self._latest.window_numbers
        if not numbers:
            self.notify("No window has been recorded yet.", timeout=3)
            return
        index = numbers.index(self._window) if self._window in numbers else len(numbers)
        index = max(0, index + step)
        self._show_window(numbers[index] if index < len(numbers) else None)

    def action_merged(self) -> None:
        self._show_window(None)

    def _show_window(self, number: int | None) -> None:
        self._window = number
        self._latest = self._feed.view(number)
        self._shown = replace(self._shown, operators=self._latest.operators) if self._paused else self._latest
        self.publish()

    # ---------------------------------------------------------------- commands to the agent

    def action_take_window(self) -> None:
        self._command(WINDOW_NOW, "A window opens at the next step.")

    def action_pause_windows(self) -> None:
        if self._latest.agent.paused:
            self._command(RESUME_WINDOWS, "Windows go on.")
        else:
            self._command(PAUSE_WINDOWS, "Windows are paused; steps are still timed.")

    def _command(self, action: str, done: str) -> None:
        if self._is_foreign():
            return
        if self._latest.live and self._feed.send(Command(action)):
            self.notify(done, timeout=3)
        else:
            self.notify("No agent is listening: the target has ended or not imported torch yet.", severity="warning")

    # ---------------------------------------------------------------- leaving

    @property
    def _owns_running_target(self) -> bool:
        return (
            not self._feed.foreign
            and self._launched
            and self._latest.live
            and self._latest.state not in (State.ENDED, State.LOST)
        )

    def action_interrupt(self) -> None:
        self.follow_once()  # what the key leaves behind must be known as it is now
        if self._visits_running_target:
            self.action_ask_quit()
        elif not self._owns_running_target:
            self.exit()
        elif self._feed.write_input(INTERRUPT):
            self.notify("Sent ctrl+c to the target.", timeout=3)
        else:
            self.notify("The target's terminal does not take input; press q to leave.", severity="warning")

    def action_ask_quit(self) -> None:
        if isinstance(self.screen, ChoiceScreen):
            return
        self.follow_once()  # what the key leaves behind must be known as it is now
        if self._visits_running_target:
            partings = (
                Choice("d", "Detach: the agent goes, the training runs on", QuitChoice.DETACH.value),
                Choice("s", "Stay: it is recorded on; `profilednn-tui attach` comes back", QuitChoice.STAY.value),
                Choice("c", "Cancel", "cancel"),
            )
            self.push_screen(ChoiceScreen("Leave the training", partings), self._part)
            return
        if not self._owns_running_target:
            self.exit()
            return
        choices = (
            Choice("l", "Leave it running; `profilednn-tui attach` comes back to it", "leave"),
            Choice("s", "Stop it as ctrl+c would, then quit", "stop"),
            Choice("c", "Cancel", "cancel"),
        )
        question = "The training has not stopped yet" if self._stopping else "The training is still running"
        self.push_screen(ChoiceScreen(question, choices), self._quit)

    @property
    def _visits_running_target(self) -> bool:
        return not self._feed.foreign and self._latest.target.attached and self._latest.live

    def _part(self, answer: str | None) -> None:
        if answer in (QuitChoice.DETACH.value, QuitChoice.STAY.value):
            self.parting = QuitChoice(answer)
            self.exit()

    def _quit(self, answer: str | None) -> None:
        if answer in ("leave", "stop"):
            self.rerun_with = None
        if answer == "leave":
            self.exit()
        elif answer == "stop":
            self._stopping = True
            self.action_interrupt()

    # ---------------------------------------------------------------- optimizations

    def _is_foreign(self) -> bool:
        """Whether the session is somebody else's; says so."""
        if self._feed.foreign:
            self.notify(self._feed.foreign, severity="warning", timeout=8)
        return bool(self._feed.foreign)

    def action_optimizations(self) -> None:
        if not isinstance(self.screen, OptimizationsScreen | ModalScreen) and not self._is_foreign():
            self.push_screen(OptimizationsScreen(self._chosen, self._check_quietly))

    def _check_quietly(self) -> tuple[OptimizationDescription, ...]:
        """In a thread of its own: the target's interpreter imports torch to answer."""
        try:
            return self._check()
        except ProfilerError as error:
            self.call_from_thread(self.notify, str(error), severity="warning", timeout=8)
            return ()

    def action_rerun(self) -> None:
        if isinstance(self.screen, ModalScreen) or self._is_foreign():
            return
        names = ", ".join(sorted(self._chosen)) or "no optimization"
        running = self._latest.live and self._latest.state not in (State.ENDED, State.LOST)
        choices = (
            Choice("r", f"{'End it as ctrl+c would, then run' if running else 'Run'} with {names}", "rerun"),
            Choice("c", "Cancel", "cancel"),
        )
        question = "The training is still running" if running else "Run the same target again"
        self.push_screen(ChoiceScreen(question, choices, self._command_text), self._rerun)

    def _rerun(self, answer: str | None) -> None:
        if answer != "rerun":
            return
        if self._latest.live and self._latest.state not in (State.ENDED, State.LOST):
            if not self._feed.write_input(INTERRUPT):
                self.notify("The target has no terminal of ours: end it where it was started.", severity="warning")
                return
            self._stopping = True
            self.notify("Sent ctrl+c to the target; the next run starts when it has ended.", timeout=8)
        self.rerun_with = frozenset(self._chosen)
        if not self._stopping:
            self.exit()

    # ---------------------------------------------------------------- dialogs

    def notify(self, message: str, *arguments: Any, **keywords: Any) -> None:
        """Say something in plain text: the names in it are anybody's."""
        super().notify(plain_lines(message), *arguments, **{**keywords, "markup": False})

    def action_help(self) -> None:
        from profilednn_tui.tui.screens.compare import CompareScreen, SideOperatorScreen

        if isinstance(self.screen, HelpScreen):
            return
        palette = Binding("ctrl+p", "command_palette", "all actions by name")
        groups = [
            ("Everywhere", [*self.BINDINGS, *SessionScreen.BINDINGS, palette]),
            ("Dashboard", [*LiveScreen.BINDINGS, Binding("tab", "", "next pane")]),
            ("Panes", LinesView.BINDINGS),
            ("Tables", TableView.BINDINGS),
            ("1 Steps", StepsPane.BINDINGS),
            ("2 Operators", OperatorsPane.BINDINGS),
            ("6 Output", OutputPane.BINDINGS),
            ("o Optimizations", OptimizationsView.BINDINGS),
            ("Operator", [*OperatorScreen.BINDINGS, *StacksView.BINDINGS]),
            ("oneDNN", PrimitivesScreen.BINDINGS),
            ("Compare", [*CompareScreen.BINDINGS, *SideOperatorScreen.BINDINGS]),
            ("Stacks of threads", [*ThreadStacksScreen.BINDINGS, *ThreadStacksView.BINDINGS]),
        ]
        self.push_screen(HelpScreen(groups))

    def action_processes(self) -> None:
        entries = self._latest.processes
        if len(entries) < 2:
            text = "The target has one process with an agent." if entries else "No process has an agent yet."
            self.notify(text, timeout=3)
            return
        choices = [
            Choice(
                str(number)[-1],
                f"{f'rank {entry.rank}' if entry.rank is not None else 'process'}  pid {entry.pid}  "
                f"{f'{units.ordinal(entry.life)} life  ' if entry.life > 1 else ''}"
                f"{entry.steps:,} steps{'  ended' if entry.ended else ''}",
                str(entry.pid),
            )
            for number, entry in enumerate({entry.pid: entry for entry in entries}.values())
        ]
        self.push_screen(ChoiceScreen("Process", choices), self._choose_process)

    def _choose_process(self, answer: str | None) -> None:
        if answer is not None:
            self._feed.select_process(int(answer))
            self._show_window(None)

    def action_export(self) -> None:
        # Imported here: the formats are not needed before the first paint.
        from profilednn_tui.tui.screens.export import ExportScreen

        if not isinstance(self.screen, ExportScreen):
            stem = Path(self._latest.target.name or "session").stem
            self.push_screen(ExportScreen(stem), self._export)

    def _export(self, answer: tuple[str, str] | None) -> None:
        if answer is None:
            return
        name, path = answer[0], Path(os.path.expanduser(answer[1]))
        try:
            self._save(name, path)
        except ProfilerError as error:
            self.notify(str(error), severity="error", timeout=8)
        else:
            self.notify(f"Wrote {path.absolute()}", timeout=6)

    # ---------------------------------------------------------------- comparisons

    def action_compare(self) -> None:
        from profilednn_tui.tui.comparisons import read_source
        from profilednn_tui.tui.screens.runs import RunsScreen

        if len(self.screen_stack) > 1:
            self.notify("Press c on the dashboard: it compares this session with earlier ones.", timeout=3)
            return
        if not self._latest.steps.count:
            self.notify("There is no step to compare yet.", timeout=3)
            return
        title = f"{self._latest.target.name} against"
        self.push_screen(RunsScreen(title, self._choices(self._latest), "baseline", read_source))

    def _show_report(self, report: Report) -> None:
        from profilednn_tui.tui.comparisons import read_source, report_choices
        from profilednn_tui.tui.screens.compare import CompareScreen
        from profilednn_tui.tui.screens.runs import RunsScreen

        if len(report.comparisons) == 1:
            self.push_screen(CompareScreen(report.comparisons[0], read_source))
        else:
            from profilednn_tui.export.comparison.text import remark_lines

            choices, remarks = report_choices(report), remark_lines(report)
            self.push_screen(RunsScreen(report.name, choices, "candidate", read_source, remarks))

    # ---------------------------------------------------------------- requests of screens

    @on(LinesView.Copied)
    def _copy(self, event: LinesView.Copied) -> None:
        self.copy_to_clipboard(event.text)
        hint = " (tmux needs `set -g set-clipboard on`)" if "TMUX" in os.environ else ""
        self.notify(f"Copied {event.what}{hint}", timeout=3)

    @on(EditRequested)
    def _edit(self, event: EditRequested) -> None:
        try:
            command = editor_command(os.environ, event.source, event.line)
        except ProfilerError as error:
            self.notify(str(error), severity="warning", timeout=6)
            return
        with self.suspend():
            subprocess.run(command, check=False)
        self.refresh(layout=True)
