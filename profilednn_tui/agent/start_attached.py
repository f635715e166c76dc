"""Start the agent in a process that runs already; called by `boot/attached.py` in a thread of its own."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

from ..protocol.events import NoticeEvent
from ..protocol.files import HEARTBEAT
from ..protocol.vocabulary import ATTACHED, INFO
from .agent import AgentProcess
from .attached_lifetime import AttachedLifetime, cleaner
from .start_launched import hello, notices


def start(order: dict[str, Any]) -> None:
    """Start the agent as the host has ordered; raises what goes wrong."""
    torch: Any = sys.modules["torch"]
    folder, budget_percent = order["folder"], float(order["budget_percent"])
    quiet = "KINETO_LOG_LEVEL" not in os.environ
    if quiet:
        # torch reads it at the process's first profile. Not in `os.environ`: that is the program's.
        os.putenv("KINETO_LOG_LEVEL", "99")
    page = (int(order["address"]), int(order["size"]))
    lifetime = AttachedLifetime(os.path.join(folder, HEARTBEAT), cleaner(page, quiet))
    agent = AgentProcess(torch, folder, budget_percent, order["stop_after"], primitives=False, lifetime=lifetime)
    agent.introduce = lambda: [
        hello(torch, ATTACHED, budget_percent, []),
        NoticeEvent(INFO, "attached", "attached to a running process: steps count from then on", time.time_ns()),
        *notices(torch),
    ]
    agent.start(early=True)
