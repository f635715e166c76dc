"""The events that introduce the agent and its process."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

from ..protocol.events import HelloEvent, NoticeEvent
from ..protocol.vocabulary import INFO
from .rank import rank_from_variables, whole
from .settings import Settings


def hello(torch: Any, how: str, settings: Settings) -> HelloEvent:
    """The event that describes this process; `how` says how the agent started, in a word of the protocol."""
    rank, world_size = rank_from_variables()
    return HelloEvent(
        pid=os.getpid(),
        parent_pid=os.getppid(),
        main_thread_id=os.getpid(),
        argv=[str(part) for part in getattr(sys, "orig_argv", None) or sys.argv],
        working_directory=os.getcwd(),
        executable=sys.executable,
        python=".".join(map(str, sys.version_info[:3])),
        torch=str(torch.__version__),
        intra_op_threads=int(torch.get_num_threads()),
        inter_op_threads=int(torch.get_num_interop_threads()),
        rank=rank,
        world_size=world_size,
        overhead_budget_percent=settings.budget_percent,
        optimizations=list(settings.optimizations),
        how=how,
        unix_ns=time.time_ns(),
        restarts=whole(os.environ.get("TORCHELASTIC_RESTART_COUNT")),
        omp_num_threads=whole(os.environ.get("OMP_NUM_THREADS")),
    )


def notices(torch: Any) -> list[NoticeEvent]:
    """Notices about anything unusual in this process."""
    found = []
    if torch.cuda.is_available():
        text = "a GPU is visible: only the CPU side of training is measured"
        found.append(NoticeEvent(INFO, "gpu", text, time.time_ns()))
    return found
