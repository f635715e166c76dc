"""Our own helper processes: modules of this package, run by the same interpreter."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from profilednn_tui.paths import FILE_MODE

_PACKAGE_ROOT = Path(__file__).resolve().parent.parent.parent


def start_helper(module: str, *arguments: str, **options: Any) -> subprocess.Popen[bytes]:
    """Start ``python -m profilednn_tui.MODULE ARGUMENTS`` with pipes to its stdin and from its stdout."""
    return subprocess.Popen(
        [sys.executable, "-m", f"profilednn_tui.{module}", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # With -m, Python looks for modules in the working directory first, and the user may have a `signal.py` there.
        cwd="/",
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(_PACKAGE_ROOT), *_user_python_path()])},
        **options,
    )


def start_and_ask(module: str, folder: Path, request: bytes, log: Path) -> str | None:
    """Start a helper that outlives us and serves a session, and wait for the line with which it answers a request.

    The line says why it does not begin, and is empty when it does; None when the helper failed: `log` says why.
    """
    errors = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, FILE_MODE)
    try:
        helper = start_helper(module, str(folder), stderr=errors, start_new_session=True)
    finally:
        os.close(errors)
    assert helper.stdin is not None
    assert helper.stdout is not None
    with suppress(BrokenPipeError), helper.stdin as pipe:
        pipe.write(request)
    answer = helper.stdout.readline().decode()
    return answer.strip() if answer else None


def _user_python_path() -> list[str]:
    return [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if os.path.isabs(path)]
