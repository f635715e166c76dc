"""A run that nobody watches: its output goes to the session, and it can be stopped with all it has started."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from profilednn_tui.collect.recorder import Recorder
from profilednn_tui.errors import ProfilerError
from profilednn_tui.launch.affinity import on_processors
from profilednn_tui.launch.command import TargetCommand
from profilednn_tui.launch.ending import record_end, save_holder
from profilednn_tui.launch.environment import target_environment
from profilednn_tui.launch.optimizations import launch_plan
from profilednn_tui.launch.options import LaunchOptions
from profilednn_tui.launch.session import create_session
from profilednn_tui.launch.signals import IGNORED_BY_PYTHON
from profilednn_tui.paths import FILE_MODE
from profilednn_tui.session.folder import OUTPUT_FILE

STOPPING = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
"""Signals to us that end the run."""
AWAITED = STOPPING | {signal.SIGCHLD}
STOP_GRACE_S = 5.0
"""How long a target has to end by itself when it is told to."""


@dataclass(frozen=True, slots=True)
class EndedRun:
    """A run that is over."""

    folder: Path
    exit_code: int
    """Negative for a signal."""
    stopped_by: int | None
    """The signal that told us to stop."""
    duration_s: float


def run_in_background(
    command: TargetCommand, options: LaunchOptions, home: Path, on_beat: Callable[[Path, float], None]
) -> EndedRun:
    """Run the target to its end; a signal of `STOPPING` ends it early.

    The target is in a session of its own, so that a key of our terminal does not reach it, and none of its processes
    outlives the run. `on_beat` is called about once a second with the session's folder and the seconds so far.
    """
    plan = launch_plan(command, options, os.environ)
    folder = create_session(command, options, terminal=False, home=home)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, AWAITED)
    begin_s = time.monotonic()
    try:
        environment = target_environment(os.environ, folder, options) | plan.environment
        with on_processors(plan.processors):
            pid = _start(command, environment, folder, mask)
        save_holder(folder, pid)
        recorder = Recorder(folder, pid)
        recorder.start()
        stopped_by, status, usage = _wait(pid, recorder, lambda: on_beat(folder, time.monotonic() - begin_s))
        exit_code = record_end(folder, recorder, status, usage)
        return EndedRun(folder, exit_code, stopped_by, time.monotonic() - begin_s)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _start(command: TargetCommand, environment: dict[str, str], folder: Path, mask: set[int | signal.Signals]) -> int:
    log = os.open(folder / OUTPUT_FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, FILE_MODE)
    nothing = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.posix_spawnp(
            command.argv[0],
            command.argv,
            environment,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, nothing, 0),
                *((os.POSIX_SPAWN_DUP2, log, stream) for stream in (1, 2)),
            ],
            setsid=True,
            setsigmask=mask,
            setsigdef=IGNORED_BY_PYTHON,
        )
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise ProfilerError(f"Cannot start {command.argv[0]}: {error.strerror}.") from None
    finally:
        os.close(log)
        os.close(nothing)


def _wait(pid: int, recorder: Recorder, on_beat: Callable[[], None]) -> tuple[int | None, int, resource.struct_rusage]:
    stopped_by: int | None = None
    kill_at_s = float("inf")
    below: tuple[psutil.Process, ...] = ()
    while True:
        info = signal.sigtimedwait(AWAITED, recorder.wait_s())
        ended, status, usage = os.wait4(pid, os.WNOHANG)
        if ended:
            _sweep(pid, below)
            return stopped_by, status, usage
        if info is not None and info.si_signo in STOPPING:
            # A second signal means now.
            kill_at_s = time.monotonic() + (STOP_GRACE_S if stopped_by is None else 0.0)
            stopped_by = info.si_signo
            below = _descendants(pid)
            os.killpg(pid, signal.SIGTERM)
        if time.monotonic() >= kill_at_s:
            os.killpg(pid, signal.SIGKILL)
        if info is None:
            on_beat()
        recorder.sample_if_due()


def _descendants(pid: int) -> tuple[psutil.Process, ...]:
    try:
        return tuple(psutil.Process(pid).children(recursive=True))
    except psutil.NoSuchProcess:
        return ()


def _sweep(pid: int, below: tuple[psutil.Process, ...]) -> None:
    """End what the target has left behind: it would use the cores of the next run."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    for process in below:
        with suppress(psutil.NoSuchProcess):  # psutil knows a process by its start, too: never another one
            process.kill()
