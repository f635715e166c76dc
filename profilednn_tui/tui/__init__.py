"""The terminal interface; textual is imported when it starts, not before."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from profilednn_tui.export.comparison.report import Report
    from profilednn_tui.launch.rerun import Rerun
    from profilednn_tui.session.open_session import OpenSession
    from profilednn_tui.session.proof import Proof
    from profilednn_tui.session.view import SessionView, Stacks
    from profilednn_tui.tui.screens.runs import RunChoice


_LAST_OUTPUT_BYTES = 4_096


def run_app(
    session: OpenSession,
    launched: bool,
    report: Report | None = None,
    rerun: Rerun | None = None,
    last_step: int | None = None,
) -> int:
    """Show a session, and every run that the user starts from it, until the user leaves or the last step has come.

    Except after a report, each leaves a few lines on the terminal. Returns the exit code of the last target if it was
    launched here and has ended, else 0. With a report, its comparisons are shown on top. `rerun` says how the session's
    target was started; by default, as the session records it.
    """
    import gc
    import os
    from contextlib import nullcontext
    from functools import partial
    from pathlib import Path

    gc.disable()  # until the first frame: what is imported until then is never freed
    from profilednn_tui.clock import SYSTEM_CLOCK
    from profilednn_tui.errors import ProfilerError
    from profilednn_tui.launch.pseudoterminal import TerminalSize
    from profilednn_tui.launch.rerun import Rerun
    from profilednn_tui.recording.viewers import viewing
    from profilednn_tui.session.open_session import open_session
    from profilednn_tui.session.storage.ledger import session_name
    from profilednn_tui.tui.app import ProfilerApp
    from profilednn_tui.tui.controllers.quitting import Parting
    from profilednn_tui.tui.preferences import Preferences, preferences_file, read_preferences, remember
    from profilednn_tui.tui.present.rerun import EarlierRun
    from profilednn_tui.tui.trial import trial_command, why_not
    from profilednn_tui.tui.tuning import begin_search, search_command
    from profilednn_tui.tui.tuning import why_not as unsearchable

    def choices(view: SessionView) -> tuple[RunChoice, ...]:
        # Imported on demand: the modules for comparing take half a second.
        from profilednn_tui.tui.comparisons import related_choices

        return related_choices(session.location, SYSTEM_CLOCK)(view)

    def save(name: str, path: Path) -> None:
        from profilednn_tui.export.session import FORMATS

        FORMATS[name].write(session, path)

    def sample_stacks(pids: Sequence[int]) -> Stacks:
        from profilednn_tui.attach.stacks import dump_stacks
        from profilednn_tui.session.model.thread_stacks import stacks_of
        from profilednn_tui.session.view import Stacks

        if session.foreign:
            return Stacks(failures=(session.foreign,))
        return stacks_of(dump_stacks(pids, SYSTEM_CLOCK.unix_ns()))

    def proofs() -> tuple[Proof, ...]:
        from profilednn_tui.collect.machine import own_hardware
        from profilednn_tui.paths import session_home
        from profilednn_tui.session.storage.ledger import proofs_for, read_ledger

        try:
            return proofs_for(read_ledger(session_home()), own_hardware(), session_name(session.location))
        except ProfilerError:  # `advise` says what is wrong with the file
            return ()

    preferences, complaint = Preferences(), ""
    try:
        preferences = read_preferences(preferences_file())
    except ProfilerError as error:
        complaint = str(error)
    remembers = not complaint
    again = rerun or (None if session.foreign else Rerun.of(session.location))
    before: EarlierRun | None = None
    while True:
        app = ProfilerApp(
            session,
            launched,
            save,
            choices,
            report,
            check=again.check if again is not None else tuple,
            command=again.text if again is not None else "",
            optimizations=again.options.optimizations if again is not None else (),
            last_step=last_step,
            sample_stacks=sample_stacks,
            proofs=proofs,
            session=session_name(session.location),
            try_command=partial(trial_command, session.location),
            untriable=partial(why_not, session),
            before=before,
            unsearchable=partial(unsearchable, session),
            begin_search=partial(begin_search, session),
            search_command=search_command,
            preferences=preferences,
            remember=partial(remember, preferences_file()) if remembers else lambda preferences: None,
        )
        if complaint:
            app.call_later(app.notify, complaint, severity="warning", timeout=8)
        with nullcontext() if session.foreign else viewing(session.location):
            app.run()
        parting, optimizations = app.quitting.parting, app.quitting.rerun_with
        if parting is not None:
            from profilednn_tui.attach.start import part

            print(part(session.location, stay=parting is Parting.STAY))
        if report is None:
            _leave_summary(session)
        if optimizations is None or again is None or app.return_code:
            return app.return_code or app.exit_code
        again, before = again.with_optimizations(optimizations), EarlierRun.of(session.view())
        session.close()
        columns, rows = os.get_terminal_size()
        session, launched, report = (
            open_session(again.start(TerminalSize(rows, columns)), started_here=True),
            True,
            None,
        )


def _leave_summary(session: OpenSession) -> None:
    """Print what the session came to, and how to open it again."""
    import os
    import shutil
    import sys
    from contextlib import suppress

    from profilednn_tui.export.session.summary import closing_lines
    from profilednn_tui.paths import session_word

    session.poll()  # the target may have been detached from
    output = session.output_tail(_LAST_OUTPUT_BYTES)
    width = shutil.get_terminal_size().columns
    lines = closing_lines(session.view(), session_word(session.location), output, width)
    with suppress(OSError):  # the terminal may be gone
        os.write(sys.stdout.fileno(), "".join(f"{line}\n" for line in lines).encode("utf-8", "replace"))
