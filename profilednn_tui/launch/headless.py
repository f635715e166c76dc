"""A run without a TUI: the target has our streams, and we keep out of its way."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from profilednn_tui.collect.recorder import Recorder
from profilednn_tui.errors import ProfilerError
from profilednn_tui.launch import signals
from profilednn_tui.launch.command import TargetCommand
from profilednn_tui.launch.environment import target_environment
from profilednn_tui.launch.ending import POLITE_NICENESS, record_end, write_output
from profilednn_tui.launch.options import LaunchOptions
from profilednn_tui.launch.session import create_session
from profilednn_tui.session.folder import HolderFile


def run_headless(command: TargetCommand, options: LaunchOptions) -> int:
    """Run the target to its end; its exit code, negative for a signal."""
    folder = create_session(command, options, terminal=False)
    say(f"watching {command.display_name}, session {folder.name}")
    pid = _start(command, target_environment(os.environ, folder, options))
    os.nice(POLITE_NICENESS)
    _save_holder(folder, pid)
    recorder = Recorder(folder, pid)
    recorder.start()
    exit_code = record_end(folder, recorder, *_wait(pid, recorder))
    _report(folder, options)
    return exit_code


def say(text: str) -> None:
    """One line on stderr, as far as there is one: nothing that we have to say may disturb the run."""
    if sys.stderr is None:
        return
    # Not through the stream: what its buffer could not get rid of would change our exit code.
    try:
        os.write(sys.stderr.fileno(), f"profilednn-tui: {text}\n".encode("utf-8", "backslashreplace"))
    except OSError:
        return


def _start(command: TargetCommand, environment: dict[str, str]) -> int:
    # Blocked before the target exists, so that no signal falls between its start and the first look at it.
    mask = signals.block({*signals.FORWARDED, signal.SIGCHLD})
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        return os.posix_spawnp(
            command.argv[0], command.argv, environment, setsigmask=mask, setsigdef=signals.IGNORED_BY_PYTHON
        )
    except OSError as error:
        raise ProfilerError(f"Cannot start {command.argv[0]}: {error.strerror}.") from None


def _wait(pid: int, recorder: Recorder) -> tuple[int, ...]:
    awaited = {*signals.FORWARDED, signal.SIGCHLD}
    while True:
        info = signal.sigtimedwait(awaited, recorder.wait_s())
        recorder.sample_if_due()
        if info is None:
            continue
        if info.si_signo != signal.SIGCHLD:
            if signals.was_for_us_alone(info, pid):
                os.kill(pid, info.si_signo)
            continue
        ended, status, usage = os.wait4(pid, os.WNOHANG)
        if ended:
            return status, usage
