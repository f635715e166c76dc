"""The files of a session folder that agent and host share."""

from __future__ import annotations

import re

HOST_RECORDING = "host.jsonl"
HEARTBEAT = "heartbeat"
"""Touched by the host every second, so that the agent of an attached process knows that somebody reads."""
TURN_ENDED, TURN_BEGINS = "turn-ended", "turn-begins"
"""Named pipes in the folder of a session whose target makes its steps in lockstep with others, one byte per turn."""

_AGENT_RECORDING = re.compile(r"agent-([1-9][0-9]{0,9})\.jsonl")


def agent_recording(pid: int) -> str:
    """What the agent of a process has to say."""
    return f"agent-{pid}.jsonl"


def recording_pid(name: str) -> int | None:
    """The process that wrote a recording; None for the host's and for files that are no recording."""
    named = _AGENT_RECORDING.fullmatch(name)
    return int(named[1]) if named else None


def control_file(pid: int) -> str:
    """Commands to the agent of a process."""
    return f"control-{pid}"


def answer_file(pid: int) -> str:
    """Why the agent of an attached process will not say hello."""
    return f"answer-{pid}.jsonl"
