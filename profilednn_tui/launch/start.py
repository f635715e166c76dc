"""Starts a run under the TUI: the holder starts the target, so that it outlives this process."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from profilednn_tui.errors import ProfilerError
from profilednn_tui.launch.command import TargetCommand
from profilednn_tui.launch.environment import target_environment
from profilednn_tui.launch.holder import HolderRequest
from profilednn_tui.launch.optimizations import launch_plan
from profilednn_tui.launch.options import LaunchOptions
from profilednn_tui.launch.pseudoterminal import TerminalSize
from profilednn_tui.launch.session_folder import create_session
from profilednn_tui.recording.helper import start_and_ask

HOLDER_LOG = "holder.log"
"""Empty unless the holder has failed."""


def start_under_terminal(command: TargetCommand, options: LaunchOptions, size: TerminalSize) -> Path:
    """Start the target on a terminal of its own; returns the session folder once it is running."""
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
    log = folder / HOLDER_LOG
    failure = start_and_ask("launch.holder", folder, request.encode(), log)
    if failure is None:
        raise ProfilerError(f"The process that holds the target's terminal failed: see {log}.")
    if failure:
        shutil.rmtree(folder, ignore_errors=True)
        raise ProfilerError(f"Cannot start {command.argv[0]}: {failure}.")
    return folder
