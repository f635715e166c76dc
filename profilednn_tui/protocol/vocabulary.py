"""The words that agent and host exchange: phases, states, reasons, actions, and a launched target's variables."""

from __future__ import annotations

COMMUNICATION = "communication"
"""The phase in which the training thread waits for other ranks."""
PHASES: tuple[str, ...] = ("data", "forward", "loss", "backward", "optimizer", COMMUNICATION, "inference", "other")
"""The phases of a step, in the column order of `StepsEvent.rows`; they add up to exactly the step."""

AGENT, HOST = "agent", "host"
"""The writer of a recording."""

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
"""The states of a requested optimization."""

ASKED = "asked"
"""The state before the agent has reported the outcome."""

INFO, WARNING = "info", "warning"
"""The levels of a notice."""

CERTIFICATE_NOTICE = "certificate"
"""The code of the notice that says why an optimizer's updates were not recorded."""

GRADIENT_NOISE_NOTICE = "gradient-noise"
"""The code of the notice that says why the noise of gradients was not recorded."""

EXIT, DETACH, UNREAD = "exit", "detach", "unread"
"""Why an agent left: its process exited; it was told to detach; nothing read its output."""
GAVE_UP = "gave up after errors"
"""Why an agent left after repeated errors of its own."""

SAVED, GRADIENTS, INPUTS, TEMPORARY = PEAK_KINDS = ("saved", "gradients", "inputs", "temporary")
"""What is allocated at the peak of a step: in the forward pass for the backward pass; in the backward pass and there at
the end; before the forward pass; anything else."""

PAUSE_WINDOWS, RESUME_WINDOWS, WINDOW_NOW, MEMORY_NOW, BUDGET, STOP_AFTER, SWITCH, SET_THREADS = (
    "pause_windows",
    "resume_windows",
    "window_now",
    "memory_now",
    "budget",
    "stop_after",
    "switch",
    "set_threads",
)
ACTIONS: tuple[str, ...] = (
    PAUSE_WINDOWS,
    RESUME_WINDOWS,
    WINDOW_NOW,
    MEMORY_NOW,
    BUDGET,
    STOP_AFTER,
    SWITCH,
    SET_THREADS,
    DETACH,
)
"""The commands that a host can send to an agent."""

ALREADY_PRESENT, NOT_STARTED = "present", "failed"
"""The answers of a process in which no agent was started: one is already running, or starting it failed."""

SESSION, OVERHEAD, STEPS, WITH, SEED, LOCKSTEP, CERTIFICATE, SWITCHING, GRADIENT_NOISE = VARIABLES = (
    "PROFILEDNN_SESSION",
    "PROFILEDNN_OVERHEAD",
    "PROFILEDNN_STEPS",
    "PROFILEDNN_WITH",
    "PROFILEDNN_SEED",
    "PROFILEDNN_LOCKSTEP",
    "PROFILEDNN_CERTIFICATE",
    "PROFILEDNN_SWITCHING",
    "PROFILEDNN_GRADIENT_NOISE",
)
"""Environment variables of a launched target: the session folder, the overhead budget in percent, the number of steps
to run, the optimizations, the seed, ``1`` for lockstep, ``1`` for recording what each update does, ``1`` for settings
that change between steps, ``1`` for recording what gradients have in common."""
PRIMITIVES = "PROFILEDNN_PRIMITIVES"
"""Set by the user: ``0`` disables oneDNN primitives."""
