"""What the recorder of an attached process is asked to do."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from profilednn_tui.launch.options import DEFAULT_OVERHEAD_PERCENT


@dataclass(frozen=True, slots=True)
class AttachRequest:
    """The request, sent through a pipe."""

    root_pid: int
    """The process whose tree is shown."""
    pids: tuple[int, ...]
    """The processes that get an agent; empty for the view from outside."""
    overhead_percent: float = DEFAULT_OVERHEAD_PERCENT
    steps: int | None = None
    """Detach after this many steps."""

    def encode(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def decode(cls, data: bytes) -> AttachRequest:
        body = json.loads(data)
        return cls(**{**body, "pids": tuple(body["pids"])})
