"""Our own helper processes: modules of this package, run by the same interpreter."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

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


def _user_python_path() -> list[str]:
    return [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if os.path.isabs(path)]
