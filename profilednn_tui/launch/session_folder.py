"""The session folder of a new run."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

from profilednn_tui.collect.machine import own_hardware
from profilednn_tui.errors import ProfilerError
from profilednn_tui.launch.command import TargetCommand, script_digest
from profilednn_tui.launch.environment import recorded_environment
from profilednn_tui.launch.options import LaunchOptions
from profilednn_tui.paths import FILE_MODE, new_session_folder
from profilednn_tui.protocol.files import SIDE_EFFECTS, SWITCHING_PLAN
from profilednn_tui.protocol.switching import encode_plan
from profilednn_tui.session.storage.elsewhere import this_boot
from profilednn_tui.session.storage.folder import SessionFile
from profilednn_tui.session.storage.spreads import SESSIONS, expected_spread


def create_session(command: TargetCommand, options: LaunchOptions, terminal: bool, home: Path | None = None) -> Path:
    """Create the folder and record what is about to start; raises `ProfilerError` before anything has started.

    `home` is the parent folder, by default the session home.
    """
    if options.output is not None:
        check_output(options.output)
    name = options.name or command.display_name
    folder = new_session_folder(name, home)
    session = SessionFile(
        name=name,
        argv=list(command.named),
        working_directory=command.working_directory,
        scratch=command.folder if command.scratch is not None else "",
        python=command.python,
        start_unix_ns=time.time_ns(),
        launcher_pid=os.getpid(),
        terminal=terminal,
        optimizations=list(options.optimizations),
        epochs=options.epochs,
        environment=recorded_environment(os.environ, options),
        script_sha256=script_digest(command),
        host=os.uname().nodename,
        boot=this_boot(),
        # The runs of an experiment carry that of the experiment.
        spread=expected_spread(folder.parent, own_hardware(), SESSIONS) if home is None else None,
    )
    try:
        session.save(folder)
        if options.note_side_effects:
            (folder / SIDE_EFFECTS).touch(FILE_MODE)
        if options.switching is not None:
            plan = folder / SWITCHING_PLAN
            plan.touch(FILE_MODE)
            plan.write_text(encode_plan(options.switching))
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise ProfilerError(
            f"Cannot write the session under {folder}: {error.strerror or error}. "
            "Free some space, or set PROFILEDNN_HOME to another folder."
        ) from None
    return folder


def check_output(path: Path) -> None:
    """Reject an output file that could not be written at the end, hours later."""
    if path.is_dir():
        raise ProfilerError(f"{path} is a folder. Name a file with -o FILE.pdnn.")
    if not path.parent.is_dir():
        raise ProfilerError(f"Cannot write {path}: there is no folder {path.parent}. Create it or name another file.")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise ProfilerError(f"Cannot write {path}: permission denied. Name another file with -o FILE.pdnn.")
