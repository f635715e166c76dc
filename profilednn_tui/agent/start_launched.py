"""Start the agent in a process of a launched run; called once, right after torch was imported."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

from ..protocol.events import HelloEvent, NoticeEvent
from ..protocol.vocabulary import INFO, LAUNCHED, LOCKSTEP, OVERHEAD, PRIMITIVES, SEED, SESSION, STEPS, WITH
from .agent import AgentProcess
from .parentage import is_becoming_one, is_child_of_multiprocessing
from .rank import rank_from_variables
from .steps.seeds import seed_all


class Options:
    """What the host asked for, from the environment."""

    def __init__(self, environment: Any) -> None:
        self.folder: str = environment[SESSION]
        self.budget_percent = _number(environment.get(OVERHEAD), 2.0)
        steps = _number(environment.get(STEPS), 0.0)
        self.stop_after: int | None = int(steps) or None
        self.primitives = environment.get(PRIMITIVES) != "0"
        self.seed = _whole(environment.get(SEED))
        distributed = (_whole(environment.get("WORLD_SIZE")) or 1) > 1
        self.lockstep = environment.get(LOCKSTEP) == "1" and not distributed
        self.optimizations: list[str] = [name for name in environment.get(WITH, "").split(",") if name]


def start() -> None:
    """Start the agent; raises what goes wrong, and the import hook reports it."""
    options = Options(os.environ)
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # a CUDA build prints about missing devices otherwise
    torch: Any = sys.modules["torch"]
    if options.seed is not None and not is_child_of_multiprocessing():
        seed_all(torch, options.seed)
    agent = AgentProcess(
        torch, options.folder, options.budget_percent, options.stop_after, options.primitives, lockstep=options.lockstep
    )
    agent.introduce = lambda: [
        hello(torch, LAUNCHED, options.budget_percent, options.optimizations),
        *notices(torch),
    ]
    if options.optimizations:
        from .optimizations._manager import OptimizationManager  # only now: most runs have none

        agent.manager = OptimizationManager(torch, options.optimizations)
    agent.start(early=not (is_child_of_multiprocessing() or is_becoming_one()))


def hello(torch: Any, how: str, budget_percent: float, optimizations: list[str]) -> HelloEvent:
    """Who we are."""
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
        overhead_budget_percent=budget_percent,
        optimizations=optimizations,
        how=how,
        unix_ns=time.time_ns(),
    )


def notices(torch: Any) -> list[NoticeEvent]:
    """What is unusual about this process."""
    found = []
    if torch.cuda.is_available():
        text = "a GPU is visible: only the CPU side of the training is measured"
        found.append(NoticeEvent(INFO, "gpu", text, time.time_ns()))
    return found


def _number(text: str | None, default: float) -> float:
    try:
        return float(text) if text else default
    except ValueError:
        return default


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdigit() else None
