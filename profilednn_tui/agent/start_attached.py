"""Starts the agent in a running process; called by `boot/attached.py` in a thread of its own."""

from __future__ import annotations

import os
import sys
from typing import Any

from .agent import AgentProcess
from .life.attached import Attached, cleaner
from .settings import Settings


def start(order: dict[str, Any]) -> None:
    """Start the agent with the host's settings; lets exceptions through to the caller."""
    settings = Settings(order["folder"], float(order["budget_percent"]), order["stop_after"])
    quiet = "KINETO_LOG_LEVEL" not in os.environ
    if quiet:
        # torch reads it at the process's first profile. Not set in `os.environ`, which belongs to the program.
        os.putenv("KINETO_LOG_LEVEL", "99")
    page = (int(order["address"]), int(order["size"]))
    AgentProcess(sys.modules["torch"], settings, Attached(settings.folder, cleaner(page, quiet))).start()
