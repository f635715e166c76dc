"""Has a training that runs follow another plan of settings."""

from __future__ import annotations

import os

from profilednn_tui.errors import ProfilerError
from profilednn_tui.paths import FILE_MODE
from profilednn_tui.protocol.events import Command
from profilednn_tui.protocol.files import SWITCHING_PLAN
from profilednn_tui.protocol.switching import SwitchingPlan, encode_plan
from profilednn_tui.protocol.vocabulary import SWITCH
from profilednn_tui.session.open_session import OpenSession


def follow_plan(session: OpenSession, plan: SwitchingPlan) -> bool:
    """Whether there is a process that follows it from now on, in place of any other.

    Raises a `ProfilerError` if the plan cannot be written.
    """
    path = session.location / SWITCHING_PLAN
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(encode_plan(plan))
    except OSError as error:
        raise ProfilerError(f"Cannot write {path}: {error.strerror or error}. Free some space.") from None
    return session.send(Command(SWITCH)) > 0
