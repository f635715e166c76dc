"""How a target ended, in words."""

from __future__ import annotations

import signal


def exit_words(exit_code: int | None) -> str:
    """``exit code 1``, ``killed by SIGKILL (9)``, ``exit code unknown``."""
    if exit_code is None:
        return "exit code unknown"
    if exit_code >= 0:
        return f"exit code {exit_code}"
    try:
        return f"killed by {signal.Signals(-exit_code).name} ({-exit_code})"
    except ValueError:  # a real-time signal has no name
        return f"killed by signal {-exit_code}"


def was_killed(exit_code: int | None) -> bool:
    """Whether a signal ended the target."""
    return exit_code is not None and exit_code < 0
