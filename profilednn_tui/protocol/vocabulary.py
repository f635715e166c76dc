"""The words that agent and host exchange: phases, states, reasons, actions, and the variables of a launched target."""

from __future__ import annotations

PHASES: tuple[str, ...] = ("data", "forward", "loss", "backward", "optimizer", "inference", "other")
"""The parts of a step, in the order of the columns of `StepsEvent.rows`; they add up to the step exactly."""

AGENT, HOST = "agent", "host"
"""Who writes a recording."""

LAUNCHED, ATTACHED = "launch", "attach"
"""How the agent got into the process."""

OPTIMIZER, DATALOADER, FORWARD = "optimizer", "dataloader", "forward"
"""What ends a step: the optimizer's update; without a torch optimizer, the next batch or forward pass after a backward
pass."""

ON, NO_EFFECT, DECLINED, UNAVAILABLE, CONFLICT, FAILED = (
    "on",
    "no effect",
    "declined",
    "unavailable",
    "conflict",
    "failed",
)
"""The states of an optimization that was asked for."""

ASKED = "asked"
"""The same, before the agent has said what came of it."""

INFO, WARNING = "info", "warning"
"""The levels of a notice."""

EXIT, DETACH, UNREAD = "exit", "detach", "unread"
"""Why an agent left: its process ended; it was told to; nobody read what it wrote."""
GAVE_UP = "gave up after errors"
"""The same, for failures of our own."""

PAUSE_WINDOWS, RESUME_WINDOWS, WINDOW_NOW, BUDGET, STOP_AFTER = (
    "pause_windows",
    "resume_windows",
    "window_now",
    "budget",
    "stop_after",
)
ACTIONS: tuple[str, ...] = (PAUSE_WINDOWS, RESUME_WINDOWS, WINDOW_NOW, BUDGET, STOP_AFTER, DETACH)
"""What a host can ask of an agent."""

ALREADY_PRESENT, NOT_STARTED = "present", "failed"
"""The answers of a process in which no agent starts: one is at work there already, or it could not be started."""

SESSION, OVERHEAD, STEPS, WITH, SEED, LOCKSTEP, PRIMITIVES = VARIABLES = (
    "PROFILEDNN_SESSION",
    "PROFILEDNN_OVERHEAD",
    "PROFILEDNN_STEPS",
    "PROFILEDNN_WITH",
    "PROFILEDNN_SEED",
    "PROFILEDNN_LOCKSTEP",
    "PROFILEDNN_PRIMITIVES",
)
"""Environment variables of a launched target: its session folder, the overhead budget in percent, the number of steps
after which it ends, optimizations, the seed, ``1`` for lockstep, ``0`` for no oneDNN primitives."""
