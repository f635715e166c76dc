"""The app: follows a session and passes each of its states to the top screen."""

from __future__ import annotations

import gc
import os
import subprocess
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import App
from textual.binding import Binding, BindingType
from textual.command import Provider
from textual.theme import Theme

from profilednn_tui.advise.findings import Finding
from profilednn_tui.errors import ProfilerError
from profilednn_tui.launch.optimizations import OptimizationDescription
from profilednn_tui.plain import plain_lines
from profilednn_tui.session.proof import Proof
from profilednn_tui.session.view import SessionView, Stacks, State
from profilednn_tui.tui import theme as themes
from profilednn_tui.tui.commands import ActionsProvider
from profilednn_tui.tui.controllers.advising import Advised, Advising
from profilednn_tui.tui.controllers.comparing import Comparing
from profilednn_tui.tui.controllers.exporting import Exporting
from profilednn_tui.tui.controllers.quitting import Quitting
from profilednn_tui.tui.controllers.rerunning import Rerunning
from profilednn_tui.tui.controllers.trying import Progressed, Tried, Trying
from profilednn_tui.tui.controllers.tuning import SearchEnded, StopRequested, Tuning
from profilednn_tui.tui.controllers.windows import Windows
from profilednn_tui.tui.driver import TerminalDriver
from profilednn_tui.tui.editor import editor_command
from profilednn_tui.tui.feed import Feed
from profilednn_tui.tui.following import Following
from profilednn_tui.tui.keymap import read_keymap
from profilednn_tui.tui.keys import DEFAULT_KEYS, Keymap
from profilednn_tui.tui.panels.lines import LinesView
from profilednn_tui.tui.panels.table import TableView
from profilednn_tui.tui.preferences import Preferences
from profilednn_tui.tui.present.advice import Findings
from profilednn_tui.tui.present.header import Display
from profilednn_tui.tui.present.rerun import EarlierRun
from profilednn_tui.tui.refresh_rate import RefreshRate
from profilednn_tui.tui.screens.base import EditRequested, SessionScreen, StretchChosen
from profilednn_tui.tui.screens.columns import ColumnsScreen
from profilednn_tui.tui.screens.findings import PaneRequested, TryRequested
from profilednn_tui.tui.screens.help import HelpScreen
from profilednn_tui.tui.screens.live import Dashboard, LiveScreen
from profilednn_tui.tui.screens.memory import MemoryScreen
from profilednn_tui.tui.screens.optimizations import OptimizationsScreen
from profilednn_tui.tui.screens.ranks import RanksScreen
from profilednn_tui.tui.screens.thread_stacks import SampleStacks

if TYPE_CHECKING:
    from profilednn_tui.export.comparison.report import Report
    from profilednn_tui.tui.screens.runs import RunChoice

_TERMINAL_LOOK_S = 2.0
"""Interval between checks that the terminal is still there."""
_UNREAD_S = 0.01
"""Pause for keys between two stretches of reading a recording."""


def _collect_garbage_from_now_on() -> None:
    """Freeze imported modules, which stay until the end, so that collections do not walk them."""
    gc.freeze()
    gc.enable()


class ProfilerApp(App[None]):
    """Watches one session."""

    TITLE = "profilednn-tui"
    CSS_PATH = "app.tcss"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {ActionsProvider}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "help", "help", key_display="?", id="help"),
        Binding("q", "ask_quit", "quit", id="quit"),
        Binding("space", "pause", "pause", id="pause"),
        Binding("E", "export", "export", id="export"),
        Binding("c", "compare", "compare", id="compare"),
        Binding("a", "advice", "advice", id="advice"),
        Binding("o", "optimizations", "optimizations", id="optimizations"),
        Binding("r", "rerun", "run again", id="rerun"),
        Binding("v", "timeline", "timeline", show=False, id="timeline"),
        Binding(
            "left_square_bracket", "window(-1)", "previous window", key_display="[", show=False, id="previous-window"
        ),
        Binding("right_square_bracket", "window(1)", "next window", key_display="]", show=False, id="next-window"),
        Binding("0", "merged", "all windows merged, live", show=False, id="all-windows"),
        Binding("w", "take_window", "take a window now", show=False, id="take-window"),
        Binding("p", "pause_windows", "pause or resume windows", show=False, id="pause-windows"),
        Binding("P", "processes", "choose the process", show=False, id="processes"),
        Binding("T", "tune", "find the fastest setting", show=False, id="tune"),
        Binding("ctrl+p", "command_palette", "all actions by name", show=False, priority=True, id="palette"),
        Binding("ctrl+t", "change_theme", "choose the colours", show=False, id="theme"),
        Binding("ctrl+c", "interrupt", "ctrl+c to the target", show=False, priority=True),
        Binding("ctrl+z", "suspend_process", "suspend", show=False, id="suspend"),
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
        last_step: int | None = None,
        sample_stacks: SampleStacks = lambda pids: Stacks(),
        session: str = "",
        proofs: Callable[[], Iterable[Proof]] = tuple,
        try_command: Callable[[str], Sequence[str]] | None = None,
        untriable: Callable[[Finding], str] = lambda finding: "",
        before: EarlierRun | None = None,
        unsearchable: Callable[[], str] = str,
        begin_search: Callable[[], Path] | None = None,
        search_command: Callable[[Path], Sequence[str]] = lambda folder: (),
        preferences: Preferences | None = None,
        remember: Callable[[Preferences], None] = lambda preferences: None,
    ) -> None:
        """`session` is its name in `proofs`, what was tried on this machine; `try_command` tries the remedy of a rule,
        and `untriable` says why not; `before` is the run that this one repeats; `begin_search` makes the folder of a
        search, and `unsearchable` says why not; `remember` keeps what was chosen for the next time."""
        # Textual chooses its filter in the constructor: with NO_COLOR, the terminal's own colours must be set by then.
        super().__init__(driver_class=TerminalDriver, ansi_color=True if "NO_COLOR" in os.environ else None)
        self.register_theme(themes.DARK)
        self.register_theme(themes.LIGHT)
        self.preferences = preferences or Preferences()
        self._remember = remember
        self.keymap, self._wrong_keys = self._read_keys()
        self.set_keymap(self.keymap)
        first = themes.first_theme(os.environ, self.preferences.theme)
        self.theme = first if first in self.available_themes else themes.DARK.name
        self.animation_level = "none"
        self._feed = feed
        self._launched = launched
        self._report = report
        self._cpu_s = cpu_s
        self._last_step = last_step
        self._sample_stacks = sample_stacks
        self._refresh_rate = RefreshRate()
        self._round_started_s = cpu_s()
        self._before = before
        self._published: tuple[SessionView, Display, Findings, SessionScreen] | None = None
        self.following = Following(feed)
        self.advising = Advising(self, self.following, self.publish, proofs, session)
        self.trying = Trying(self, self.following, self.advising, try_command, untriable, session)
        self.tuning = Tuning(self, self.following, unsearchable, begin_search, search_command)
        self.quitting = Quitting(self, self.following, launched, self._at_work)
        self.rerunning = Rerunning(self, self.following, self.quitting, check, command, optimizations, self._at_work)
        self.comparing = Comparing(self, self.following, choices)
        self.exporting = Exporting(self, self.following, save)
        self.windows = Windows(self, self.following, self.publish)

    def get_default_screen(self) -> LiveScreen:
        feed = self._feed
        return LiveScreen(
            feed.source, feed.output_tail, feed.write_input, self._sample_stacks, self._before, self.preferences.panes
        )

    def get_theme_variable_defaults(self) -> dict[str, str]:
        theme: Theme = self.current_theme
        return themes.own_variables(theme)

    def on_mount(self) -> None:
        self.call_after_refresh(_collect_garbage_from_now_on)
        self.call_after_refresh(self._follow)
        self.app_resume_signal.subscribe(self, self._repaint)
        self.set_interval(_TERMINAL_LOOK_S, self._leave_without_terminal)
        if self._report is not None:
            self.call_after_refresh(self.comparing.show_report, self._report)

        self.theme_changed_signal.subscribe(self, self._remember_theme)
        self.call_after_refresh(self._tell_wrong_choices)

    def _read_keys(self) -> tuple[Keymap, Sequence[str]]:
        """The keys of the preferences, and what is wrong with them."""
        if not self.preferences.keys:
            return DEFAULT_KEYS, ()
        # Imported here: it names screens that are not needed before the first frame.
        from profilednn_tui.tui.key_groups import scopes

        return read_keymap(self.preferences.keys, scopes())

    def _tell_wrong_choices(self) -> None:
        """Say what is wrong with the preferences."""
        if self.preferences == Preferences():
            return
        # Imported here: it names tables that are not needed before the first frame.
        from profilednn_tui.tui.known_choices import unknown_choices

        for sentence in (*unknown_choices(self.preferences), *self._wrong_keys):
            self.notify(sentence, severity="warning", timeout=10)

    def _remember_theme(self, theme: Theme) -> None:
        if theme.name != self.preferences.theme:
            self._keep(replace(self.preferences, theme=theme.name))

    @on(TableView.Sorted)
    def _remember_sort(self, event: TableView.Sorted) -> None:
        sort = {**self.preferences.sort, event.table: event.text}
        self._keep(replace(self.preferences, sort=MappingProxyType(sort)))

    @on(Dashboard.Chosen)
    def _remember_pane(self, event: Dashboard.Chosen) -> None:
        panes = {**self.preferences.panes, event.place: event.pane}
        self._keep(replace(self.preferences, panes=MappingProxyType(panes)))

    @on(TableView.ColumnsHidden)
    def _remember_columns(self, event: TableView.ColumnsHidden) -> None:
        hidden = {**self.preferences.hidden_columns, event.table: event.titles}
        self._keep(replace(self.preferences, hidden_columns=MappingProxyType(hidden)))

    def _keep(self, preferences: Preferences) -> None:
        self.preferences = preferences
        try:
            self._remember(preferences)
        except OSError as error:
            self.notify(f"That cannot be remembered: {error.strerror or error}.", severity="warning")

    def on_unmount(self) -> None:
        self.trying.stop()
        self.tuning.stop()

    def _at_work(self) -> str:
        """What ends with the app: a try or a search, in words; empty if there is none."""
        return self.advising.findings.trying or self.tuning.searching

    def _repaint(self, _: App[object]) -> None:
        """Paint everything after a suspension: the terminal has a new, empty screen."""
        self.screen.refresh()

    def _leave_without_terminal(self) -> None:
        """Exit once the terminal is gone; the target, or the recorder of an attached one, keeps running."""
        if isinstance(self._driver, TerminalDriver) and self._driver.hung_up:
            self.exit()

    @property
    def exit_code(self) -> int:
        """The exit code of a target that was launched here and has ended, else 0."""
        code = self.following.latest.target.exit_code
        return code if self._launched and code is not None else 0

    def notify(self, message: str, *arguments: Any, **keywords: Any) -> None:
        """Show a message as plain text: the names in it come from the target and may look like markup."""
        super().notify(plain_lines(message), *arguments, **{**keywords, "markup": False})

    # ---------------------------------------------------------------- following the session

    def _follow(self) -> None:
        """Poll the session, show it, and schedule the next poll as the refresh rate allows."""
        started_s = self._cpu_s()
        cost_s, self._round_started_s = started_s - self._round_started_s, started_s
        self.follow_once()
        latest = self.following.latest
        if self.quitting.stopping and latest.state in (State.ENDED, State.LOST):
            self.exit()
        elif self._last_step is not None and latest.steps.count >= self._last_step and latest.live:
            self.quitting.leave()
        elif self._feed.behind:
            self.set_timer(_UNREAD_S, self._follow)
        elif latest.live or not latest.unix_ns:
            self.set_timer(self._refresh_rate.next_interval_s(cost_s, latest.cores.idle_percent), self._follow)

    def follow_once(self) -> None:
        """Poll the session and show it."""
        self.following.poll()
        self.publish()
        self.advising.look()

    @on(SessionScreen.Shown)
    def publish(self) -> None:
        """Pass the current state to the top screen, unless it already shows that."""
        screen = next((screen for screen in reversed(self.screen_stack) if isinstance(screen, SessionScreen)), None)
        if screen is None or not screen.is_mounted:  # a screen that is just being pushed asks once it is mounted
            return
        following, findings = self.following, self.advising.findings
        shown, display = following.shown, replace(following.display, finding=findings.headline)
        published = self._published
        writes_output = isinstance(screen, LiveScreen) and following.latest.live and not following.paused
        if (
            not writes_output
            and published is not None
            and published[0] is shown
            and published[1] == display
            and published[2] is findings
            and published[3] is screen
        ):
            return
        self._published = (shown, display, findings, screen)
        screen.show_session(shown, display, findings)

    # ---------------------------------------------------------------- keys

    def action_pause(self) -> None:
        self.following.toggle_pause()
        self.publish()
        self.advising.look()

    def action_window(self, step: int) -> None:
        self.windows.step(step)

    def action_merged(self) -> None:
        self.windows.show_all()

    def action_take_window(self) -> None:
        self.windows.take()

    def action_pause_windows(self) -> None:
        self.windows.pause_or_resume()

    def action_processes(self) -> None:
        self.windows.ask_process()

    def action_interrupt(self) -> None:
        self.follow_once()  # the target may have ended since the last poll
        self.quitting.interrupt()

    def action_ask_quit(self) -> None:
        self.follow_once()  # the target may have ended since the last poll
        self.quitting.ask()

    def action_advice(self) -> None:
        self.advising.show()

    def action_optimizations(self) -> None:
        self.rerunning.show_optimizations()

    def action_rerun(self) -> None:
        self.rerunning.ask()

    def action_compare(self) -> None:
        self.comparing.ask()

    def action_export(self) -> None:
        self.exporting.ask()

    def action_tune(self) -> None:
        self.tuning.ask()

    def action_timeline(self) -> None:
        # Imported here: most sessions are watched without it, and it needs numpy.
        from profilednn_tui.tui.screens.timeline import TimelineScreen

        screen = self.screen
        if not isinstance(screen, SessionScreen) or isinstance(screen, TimelineScreen):
            return
        if screen.pinned is not None:
            self.notify("The timeline is that of the session that is followed, not of another run.", timeout=3)
            return
        self.push_screen(TimelineScreen(self._feed, self._feed.source, screen.operator_in_focus))

    def action_help(self) -> None:
        # Imported here: the help names screens that are not needed before the first frame.
        from profilednn_tui.tui.key_groups import key_groups

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(key_groups(self.keymap)))

    # ---------------------------------------------------------------- requests of screens

    @on(Advised)
    def _take_advice(self, event: Advised) -> None:
        self.advising.take(event)

    @on(TryRequested)
    def _try(self, event: TryRequested) -> None:
        self.trying.ask(event.finding)

    @on(Progressed)
    def _show_progress(self, event: Progressed) -> None:
        self.trying.progressed(event)

    @on(Tried)
    def _show_outcome(self, event: Tried) -> None:
        self.trying.ended(event)

    @on(StopRequested)
    def _stop_search(self) -> None:
        self.tuning.ask_to_stop()

    @on(SearchEnded)
    def _end_search(self, event: SearchEnded) -> None:
        self.tuning.ended(event)

    @on(StretchChosen)
    def _show_stretch(self, event: StretchChosen) -> None:
        self.following.show_stretch(event.operators, event.text)
        self.publish()

    @on(MemoryScreen.Wanted)
    def _measure_memory(self) -> None:
        if self.windows.measure_memory() and isinstance(self.screen, MemoryScreen):
            self.screen.wait_for_step()

    @on(RanksScreen.Chosen)
    def _show_rank(self, event: RanksScreen.Chosen) -> None:
        self.windows.show_process(event.key)

    @on(PaneRequested)
    def _go_to_pane(self, event: PaneRequested) -> None:
        while len(self.screen_stack) > 1:
            self.pop_screen()
        if isinstance(self.screen, LiveScreen):
            self.screen.action_pane(event.number)

    @on(TableView.ColumnsWanted)
    def _choose_columns(self, event: TableView.ColumnsWanted) -> None:
        self.push_screen(ColumnsScreen(event.table))

    @on(OptimizationsScreen.Chosen)
    def _choose_optimizations(self, event: OptimizationsScreen.Chosen) -> None:
        self.rerunning.chosen = event.names

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
