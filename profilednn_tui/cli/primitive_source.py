"""Where commands get oneDNN primitives from: verbose logs, sessions and snapshots."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from profilednn_tui.errors import ProfilerError

if TYPE_CHECKING:
    from profilednn_tui.onednn.records import PrimitiveLog


def read_primitives(names: Sequence[str]) -> tuple[PrimitiveLog, int | None]:
    """The primitives of all logs together, or of one session; and the number of threads that ran them, if known."""
    from profilednn_tui.onednn.reader import STANDARD_INPUT, read_logs
    from profilednn_tui.session.storage.snapshot import SUFFIX

    sessions = [
        name
        for name in names
        if name != STANDARD_INPUT and (name.endswith(SUFFIX) or os.path.isdir(name) or not os.path.exists(name))
    ]
    if not sessions:
        return _checked(read_logs(names)), None
    if len(names) > 1:
        raise ProfilerError(f"{sessions[0]} is not a readable oneDNN log. A session cannot be combined: name it alone.")
    return _of_session(names[0])


def _checked(log: PrimitiveLog) -> PrimitiveLog:
    """The log; a `ProfilerError` if it has lines of oneDNN and yet nothing to show."""
    if log.uses or not log.remarks + log.bad_lines:
        return log
    reasons = [f"{log.remarks:,} only tell of the library, of checks or of subgraphs"] if log.remarks else []
    if log.bad_lines:
        reasons.append(f"{log.bad_lines:,} cannot be parsed, such as: {log.bad_example}")
    raise ProfilerError(
        f"None of the {log.remarks + log.bad_lines:,} lines of oneDNN reports a primitive: {'; '.join(reasons)}. "
        "Run the program with ONEDNN_VERBOSE=1, and name its whole output."
    )


def _of_session(name: str) -> tuple[PrimitiveLog, int | None]:
    from profilednn_tui.session.open_session import open_session

    with open_session(name) as session:
        session.catch_up()
        view = session.view()
    if not view.primitives.log.uses:
        reason = next((one.text for one in view.notices if one.code == "no_primitives"), "no window has data on them")
        raise ProfilerError(f"The session {name} holds no oneDNN primitives ({reason}).")
    return view.primitives.log, view.target.intra_op_threads
