"""A run under the TUI: the holder starts the target, and this process may come and go."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

from profilednn_tui.errors import ProfilerError
from profilednn_tui.launch.command import TargetCommand
from profilednn_tui.launch.environment import target_environment
from profilednn_tui.launch.holder import HolderRequest
from profilednn_tui.launch.optimizations import launch_plan
from profilednn_tui.launch.options import LaunchOptions
from profilednn_tui.launch.pseudoterminal import TerminalSize
from profilednn_tui.launch.session_folder import create_session
from profilednn_tui.paths import FILE_MODE
from profilednn_tui.recording.helper import start_helper

HOLDER_LOG = "holder.log"
"""Empty, unless the holder has failed."""


def start_under_terminal(command: TargetCommand, options: LaunchOptions, size: TerminalSize) -> Path:
    """Start the target on a terminal of its own; the session folder, when it runs."""
    plan = launch_plan(command, options, os.environ)
    folder = create_session(command, options, terminal=True)
    request = HolderRequest(
        argv=list(command.argv),
        environment=target_environment(os.environ, folder, options) | plan.environment,
        processors=list(plan.processors),
        working_directory=command.working_directory,
        rows=size.rows,
        columns=size.columns,
        output=str(options.output) if options.output is not None else None,
    )
    holder = _start_holder(folder)
    assert holder.stdin is not None
    assert holder.stdout is not None
    with suppress(BrokenPipeError), holder.stdin as request_pipe:
        request_pipe.write(request.encode())
    answer = holder.stdout.readline().decode()
    if not answer:
        raise ProfilerError(
            f"The process that should hold the target's terminal has failed: see {folder / HOLDER_LOG}."
        )
    if answer.strip():
        shutil.rmtree(folder, ignore_errors=True)
        raise ProfilerError(f"Cannot start {command.argv[0]}: {answer.strip()}.")
    return folder


def _start_holder(folder: Path) -> subprocess.Popen[bytes]:
    log = os.open(folder / HOLDER_LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, FILE_MODE)
    try:
        return start_helper("launch.holder", str(folder), stderr=log, start_new_session=True)
    finally:
        os.close(log)
