"""Background runs: their output goes to the session, and they can be stopped along with all their processes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil

from profilednn_tui.collect import procfs
from profilednn_tui.errors import ProfilerError
from profilednn_tui.experiment.lockstep import Lockstep, LockstepMember, make_member
from profilednn_tui.experiment.watchdog import Watchdog
from profilednn_tui.launch.affinity import on_processors
from profilednn_tui.launch.command import TargetCommand
from profilednn_tui.launch.environment import target_environment
from profilednn_tui.launch.headless import say_trouble
from profilednn_tui.launch.interpreter import find_program
from profilednn_tui.launch.optimizations import launch_plan
from profilednn_tui.launch.options import LaunchOptions
from profilednn_tui.launch.session_folder import create_session
from profilednn_tui.paths import FILE_MODE
from profilednn_tui.protocol.vocabulary import LOCKSTEP
from profilednn_tui.recording.ending import record_end, save_holder
from profilednn_tui.recording.sampler import Sampler
from profilednn_tui.session.storage.folder import OUTPUT_FILE

STOPPING = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
"""Signals to this process that end the run."""
AWAITED = STOPPING | {signal.SIGCHLD}
STOP_GRACE_S = 5.0
"""How long a target has to end after SIGTERM."""
BEAT_S = 1.0
POLL_S = 0.05
"""Interval of checking for signals and ended targets in lockstep."""


@dataclass(frozen=True, slots=True)
class EndedRun:
    """A run that has ended."""

    folder: Path
    exit_code: int
    """Negative if a signal ended it."""
    stopped_by: int | None
    """The signal to this process that stopped the run."""
    duration_s: float
    turns: int | None = None
    """Number of turns in lockstep; None otherwise."""


@dataclass(slots=True)
class _Running:
    folder: Path
    process: subprocess.Popen[bytes]
    sampler: Sampler
    member: LockstepMember | None
    exit_code: int | None = None
    duration_s: float = 0.0
    cpu_ticks: int = 0
    """CPU time of all its processes; known once it has ended."""

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def turns(self) -> int | None:
        return None if self.member is None else self.member.turns


def run_in_background(
    targets: Sequence[tuple[TargetCommand, LaunchOptions]], home: Path, on_beat: Callable[[Path, float], None]
) -> tuple[EndedRun, ...]:
    """Run targets to completion, several of them in lockstep; a signal of `STOPPING` ends all.

    Each target gets its own session, so that keys pressed in our terminal do not reach it. None of its processes
    outlives the run. `on_beat` is called about once a second with the first target's folder and the elapsed seconds.
    """
    plans = [launch_plan(command, options, os.environ) for command, options in targets]
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, AWAITED)
    begin_s = time.monotonic()
    running: list[_Running] = []
    watchdog = Watchdog()  # if we are killed, stopped targets would otherwise never continue
    try:
        for (command, options), plan in zip(targets, plans, strict=True):
            folder = create_session(command, options, terminal=False, home=home)
            environment = target_environment(os.environ, folder, options) | plan.environment
            environment |= command.changes(environment)
            member = make_member(folder) if len(targets) > 1 else None
            if member is not None:
                environment[LOCKSTEP] = "1"
            with on_processors(plan.processors):
                process = _start(command, environment, folder, mask)
            watchdog.ends(process.pid)
            save_holder(folder, process.pid)
            sampler = Sampler(folder, process.pid, companion_ticks=partial(_ticks_of_others, folder, running))
            running.append(_Running(folder, process, sampler, member))
            if member is not None:
                member.group = process.pid
            sampler.start()
        members = [one.member for one in running if one.member is not None]
        lockstep = Lockstep(members) if members else None
        stopped_by = _wait(running, lockstep, begin_s, lambda: on_beat(running[0].folder, time.monotonic() - begin_s))
        return tuple(EndedRun(one.folder, one.exit_code or 0, stopped_by, one.duration_s, one.turns) for one in running)
    finally:
        for one in running:
            if one.exit_code is None:  # the profiler itself failed
                _sweep(one.pid, ())
                one.process.wait()
            if one.member is not None:
                one.member.close()
        watchdog.close()
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _ticks_of_others(folder: Path, running: Sequence[_Running]) -> int:
    """CPU time so far of the targets that run at the same time as the one in `folder`."""
    return sum(
        one.sampler.target_ticks() if one.exit_code is None else one.cpu_ticks
        for one in running
        if one.folder != folder
    )


def _start(
    command: TargetCommand, environment: dict[str, str], folder: Path, mask: set[int | signal.Signals]
) -> subprocess.Popen[bytes]:
    log = os.open(folder / OUTPUT_FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, FILE_MODE)
    try:
        return subprocess.Popen(
            command.argv,
            # Looked up in our PATH, as when the command was checked; the target's PATH may differ.
            executable=find_program(command.argv[0], command.working_directory),
            cwd=command.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            close_fds=False,  # descriptors left open by the user's shell are meant for the target
            start_new_session=True,
            # The signals stay blocked in this process, so that none is lost before the first check for them.
            preexec_fn=partial(signal.pthread_sigmask, signal.SIG_SETMASK, mask),
        )
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise ProfilerError(f"Cannot start {command.argv[0]}: {error.strerror}.") from None
    finally:
        os.close(log)


def _wait(
    running: Sequence[_Running], lockstep: Lockstep | None, begin_s: float, on_beat: Callable[[], None]
) -> int | None:
    """Wait until all targets have ended; returns the signal that stopped them early, if any."""
    stopped_by: int | None = None
    kill_at_s = float("inf")
    below: list[psutil.Process] = []
    next_beat_s = begin_s + BEAT_S
    while alive := [one for one in running if one.exit_code is None]:
        info = _pause(min(one.sampler.wait_s() for one in alive), lockstep)
        for one in alive:
            ended, status, usage = os.wait4(one.pid, os.WNOHANG)
            if ended:
                _sweep(one.pid, below)
                one.exit_code = record_end(one.folder, one.sampler, status, usage)
                one.process.returncode = one.exit_code  # `wait4` has reaped it, for its resource usage
                one.duration_s = time.monotonic() - begin_s
                one.cpu_ticks = round((usage.ru_utime + usage.ru_stime) * procfs.TICKS_PER_S)
                if lockstep is not None:
                    lockstep.leave(one.pid)
                continue
            if info is not None and info.si_signo in STOPPING:
                below += _descendants(one.pid)
                os.killpg(one.pid, signal.SIGTERM)
            if time.monotonic() >= kill_at_s:
                os.killpg(one.pid, signal.SIGKILL)
            one.sampler.sample_if_due()
            say_trouble(one.sampler)
        if info is not None and info.si_signo in STOPPING:
            # A second signal ends the grace period.
            kill_at_s = time.monotonic() + (STOP_GRACE_S if stopped_by is None else 0.0)
            stopped_by = info.si_signo
            if lockstep is not None:
                lockstep.release()
        if time.monotonic() >= next_beat_s:
            next_beat_s += BEAT_S
            on_beat()
    return stopped_by


def _pause(seconds: float, lockstep: Lockstep | None) -> signal.struct_siginfo | None:
    """Wait for a signal or the end of a turn, for at most `seconds`."""
    if lockstep is None:
        return signal.sigtimedwait(AWAITED, seconds)
    lockstep.serve(min(seconds, POLL_S))
    return signal.sigtimedwait(AWAITED, 0)


def _descendants(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _sweep(pid: int, below: Sequence[psutil.Process]) -> None:
    """Kill remaining processes of the target, which would use the next run's cores."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    for process in below:
        with suppress(psutil.NoSuchProcess):  # psutil also checks the start time, so a reused pid is safe
            process.kill()
