"""Starts the agent in a process of a launched run, right after torch was imported."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any

from ..protocol.vocabulary import (
    CERTIFICATE,
    GRADIENT_NOISE,
    LOCKSTEP,
    OVERHEAD,
    PRIMITIVES,
    SEED,
    SESSION,
    STEPS,
    SWITCHING,
    WITH,
)
from .agent import AgentProcess
from .life.arrival import Opening
from .life.launched import Launched
from .parentage import is_becoming_one, is_child_of_multiprocessing
from .rank import rank_from_variables, whole
from .settings import Settings
from .side_effects import watch
from .steps.seeds import seed_all


def start() -> None:
    """Start the agent; called once. The import hook reports any exception."""
    settings = settings_from(os.environ)
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # otherwise CUDA builds complain about missing devices
    torch: Any = sys.modules["torch"]
    is_child = is_child_of_multiprocessing()
    if settings.seed is not None and not is_child:
        seed_all(torch, settings.seed)
    opening = Opening.AT_FIRST_STEP if is_child or is_becoming_one() else Opening.SOON
    watch(torch, settings.folder)
    AgentProcess(torch, settings, Launched(opening)).start()


def settings_from(environment: Mapping[str, str]) -> Settings:
    """The settings in the environment variables of the protocol."""
    distributed = (rank_from_variables(environment)[1] or 1) > 1
    return Settings(
        folder=environment[SESSION],
        budget_percent=_number(environment.get(OVERHEAD), 2.0),
        stop_after=int(_number(environment.get(STEPS), 0.0)) or None,
        primitives=environment.get(PRIMITIVES) != "0",
        lockstep=environment.get(LOCKSTEP) == "1" and not distributed,
        certificate=environment.get(CERTIFICATE) == "1",
        gradient_noise=environment.get(GRADIENT_NOISE) == "1",
        switching=environment.get(SWITCHING) == "1" and not distributed,
        optimizations=tuple(name for name in environment.get(WITH, "").split(",") if name),
        seed=whole(environment.get(SEED)),
    )


def _number(text: str | None, default: float) -> float:
    try:
        return float(text) if text else default
    except ValueError:
        return default
