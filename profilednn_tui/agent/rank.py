"""The rank of this process: from the launcher's variables, or from torch.distributed once it is initialized."""

from __future__ import annotations

import os
import sys
import time
from typing import Any, Callable, Optional

from ..protocol.events import DistributedEvent

RankAndSize = tuple[Optional[int], Optional[int]]


def rank_from_variables() -> RankAndSize:
    """``RANK`` and ``WORLD_SIZE``, as torchrun sets them."""
    return _whole("RANK"), _whole("WORLD_SIZE")


class Rank:
    """Reports the rank from torch.distributed if it is not in the variables: ``mp.spawn`` sets none."""

    def __init__(self, report: Callable[[Any], None]) -> None:
        self._report = report
        self._told = rank_from_variables()

    def look(self) -> None:
        """Report the rank if it is new; can be called from any thread."""
        found = _rank_of_group()
        if found is not None and found != self._told:
            self._told = found
            self._report(DistributedEvent(*found, time.time_ns()))


def _rank_of_group() -> tuple[int, int] | None:
    distributed: Any = sys.modules.get("torch.distributed")
    initialized = getattr(distributed, "is_initialized", None)  # missing if torch was built without it
    try:
        if initialized is None or not initialized():
            return None
        return int(distributed.get_rank()), int(distributed.get_world_size())
    except (RuntimeError, ValueError):  # the program is destroying the process group right now
        return None


def _whole(name: str) -> int | None:
    text = os.environ.get(name)
    return int(text) if text is not None and text.isdigit() else None
