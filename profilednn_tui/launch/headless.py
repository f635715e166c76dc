"""A run without a TUI: the target has our streams, and we stay out of its way."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from profilednn_tui.errors import ProfilerError
from profilednn_tui.launch import signals
from profilednn_tui.launch.affinity import on_processors
from profilednn_tui.launch.command import TargetCommand
from profilednn_tui.launch.environment import target_environment
from profilednn_tui.launch.optimizations import launch_plan
from profilednn_tui.launch.options import POLITE_NICENESS, LaunchOptions
from profilednn_tui.launch.progress import ProgressReport
from profilednn_tui.launch.session_folder import create_session
from profilednn_tui.plain import plain_lines

if TYPE_CHECKING:
    from profilednn_tui.recording.sampler import Sampler


def run_headless(command: TargetCommand, options: LaunchOptions) -> int:
    """Run the target to its end; returns its exit code, negative for a signal."""
    plan = launch_plan(command, options, os.environ)
    folder = create_session(command, options, terminal=False)
    say(f"profilednn-tui: watching {command.display_name}, session {folder.name}")
    try:
        with on_processors(plan.processors):
            pid = _start(command, target_environment(os.environ, folder, options) | plan.environment)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise ProfilerError(f"Cannot start {command.argv[0]}: {error.strerror}.") from None
    os.nice(POLITE_NICENESS)
    # Imported only now: the target must not wait for modules it does not need, and a library that starts threads before
    # the signals are blocked would have them delivered there.
    from profilednn_tui.recording.ending import record_end, save_holder
    from profilednn_tui.recording.sampler import Sampler

    save_holder(folder, pid)
    sampler = Sampler(folder, pid)
    sampler.start()
    exit_code = record_end(folder, sampler, *_wait(pid, sampler, ProgressReport(folder, say)))
    _report(folder, options.output)
    return exit_code


def _report(folder: Path, output: Path | None) -> None:
    try:
        from profilednn_tui.launch.report import write_report

        for line in write_report(folder, output):
            say(line)
    except Exception as error:  # noqa: BLE001 - the target's exit code matters more than our summary
        say(f"profilednn-tui: no summary: {error}")


def say_trouble(sampler: Sampler) -> None:
    """Report once that the disk rejects the recording."""
    trouble = sampler.trouble()
    if trouble is not None:
        say(f"profilednn-tui: {trouble}")


def say(line: str) -> None:
    """Print one or more plain lines to stderr, if there is one: no message of ours may disturb the run."""
    if sys.stderr is None:
        return
    # Not through the stream: data left in its buffer would change our exit code.
    with suppress(OSError):
        os.write(sys.stderr.fileno(), f"{plain_lines(line)}\n".encode())


def _start(command: TargetCommand, environment: dict[str, str]) -> int:
    # Blocked before the target exists, so that no signal is lost between its start and our first check.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, signals.AWAITED)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    return os.posix_spawnp(
        command.argv[0], command.argv, environment, setsigmask=mask, setsigdef=signals.IGNORED_BY_PYTHON
    )


def _wait(pid: int, sampler: Sampler, progress: ProgressReport) -> tuple[int, resource.struct_rusage]:
    while True:
        info = signal.sigtimedwait(signals.AWAITED, sampler.wait_s())
        ended, status, usage = os.wait4(pid, os.WNOHANG)
        if ended:
            return status, usage
        if info is not None and info.si_signo in signals.FORWARDED and signals.was_for_us_alone(info, pid):
            os.kill(pid, info.si_signo)
        sampler.sample_if_due()
        say_trouble(sampler)
        progress.look()
