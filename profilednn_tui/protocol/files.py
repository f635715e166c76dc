"""The files in a session folder that agent and host share."""

from __future__ import annotations

import re

HOST_RECORDING = "host.jsonl"
HEARTBEAT = "heartbeat"
"""Touched by the host every second, so that the agent in an attached process knows that its output is read."""
TURN_ENDED, TURN_BEGINS = "turn-ended", "turn-begins"
"""Named pipes in the session folder of a target that runs in lockstep with others; one byte per turn."""
SWITCHING_PLAN = "switching.json"
"""Written by the host before it starts a run whose settings change between steps."""
SIDE_EFFECTS = "side-effects.jsonl"
"""Created by the host of a run whose side effects it wants to know; the target's processes append notes."""

TRACES = 8
"""Newest windows of a process whose calls are kept; each takes the place of the oldest one."""

_TRACE = re.compile(r"trace-([1-9][0-9]{0,9})-([0-7])\.jsonl")
_AGENT_RECORDING = re.compile(r"agent-([1-9][0-9]{0,9})\.jsonl")


def agent_recording(pid: int) -> str:
    """The recording written by the agent of a process."""
    return f"agent-{pid}.jsonl"


def recording_pid(name: str) -> int | None:
    """The process that wrote a recording; None for the host's recording and for other files."""
    named = _AGENT_RECORDING.fullmatch(name)
    return int(named[1]) if named else None


def trace_file(pid: int, window: int) -> str:
    """The calls of a window of a process: a header and a `TraceEvent`."""
    return f"trace-{pid}-{window % TRACES}.jsonl"


def trace_pid(name: str) -> int | None:
    """The process that wrote a trace; None for other files."""
    named = _TRACE.fullmatch(name)
    return int(named[1]) if named else None


def control_file(pid: int) -> str:
    """Commands for the agent of a process."""
    return f"control-{pid}"


def answer_file(pid: int) -> str:
    """Where an attached process reports why no agent started."""
    return f"answer-{pid}.jsonl"
