"""Creates the session of an attached process and starts its recorder."""

from __future__ import annotations

import os
import shutil
import signal
import time
from contextlib import suppress
from pathlib import Path

from profilednn_tui.attach.process_facts import ProcessFacts
from profilednn_tui.attach.recorder import STAY_FILE
from profilednn_tui.attach.request import AttachRequest
from profilednn_tui.errors import ProfilerError
from profilednn_tui.paths import FILE_MODE, new_session_folder, session_word
from profilednn_tui.recording.helper import start_and_ask
from profilednn_tui.session.storage.elsewhere import this_boot
from profilednn_tui.session.storage.folder import HolderFile, SessionFile
from profilednn_tui.session.storage.liveness import is_alive

RECORDER_LOG = "recorder.log"
"""Empty unless the recorder has failed."""
LEAVE_LIMIT_S = 20.0


def start_attached_session(root: ProcessFacts, request: AttachRequest) -> Path:
    """Begin a session of running processes; returns its folder once the recorder has started."""
    script = next((word for word in root.argv[1:] if not word.startswith("-")), root.name)
    folder = new_session_folder(os.path.basename(script))
    SessionFile(
        name=os.path.basename(script),
        argv=list(root.argv[1:] if root.python else root.argv),
        working_directory=root.working_directory,
        python=root.executable,
        start_unix_ns=time.time_ns(),
        launcher_pid=os.getpid(),
        attached=True,
        host=os.uname().nodename,
        boot=this_boot(),
    ).save(folder)
    log = folder / RECORDER_LOG
    failure = start_and_ask("attach.recorder", folder, request.encode(), log)
    if failure is None:
        failure = f"The recorder process failed: {log.read_text().strip()[-500:]}"
    if failure:
        shutil.rmtree(folder, ignore_errors=True)
        raise ProfilerError(failure)
    return folder


def part(folder: Path, stay: bool) -> str:
    """Detach, or with `stay` let the recording continue without a viewer; returns a sentence on the result."""
    if stay:
        with suppress(OSError):
            (folder / STAY_FILE).touch(mode=FILE_MODE)
        return f"Recording continues: `profilednn-tui attach {session_word(folder)}` returns to it."
    if detach(folder):
        return "Detached: training continues without the profiler."
    return "The agent leaves as soon as training reaches the end of a step."


def detach(folder: Path) -> bool:
    """Remove the agents and end the session; returns whether that has finished."""
    recorder = HolderFile.load(folder)
    if recorder is None:
        return False
    deadline_s = time.monotonic() + LEAVE_LIMIT_S
    with suppress(ProcessLookupError):
        if is_alive(recorder.holder_pid, recorder.start_unix_ns):
            os.kill(recorder.holder_pid, signal.SIGTERM)
    while is_alive(recorder.holder_pid, recorder.start_unix_ns):
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.02)
    return True
