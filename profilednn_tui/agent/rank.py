"""The rank of this process: from the launcher's variables, or from torch.distributed once it is initialized."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from typing import Any, Callable, Optional

from ..protocol.events import DistributedEvent

RankAndSize = tuple[Optional[int], Optional[int]]
_OTHER_LAUNCHERS = (
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    ("PMI_RANK", "PMI_SIZE"),
    ("MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE"),
    ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS"),
)
"""Rank and size as Open MPI, MPICH and Intel MPI, MVAPICH and srun tell them."""


def rank_from_variables(environment: Mapping[str, str] = os.environ) -> RankAndSize:
    """``RANK`` and ``WORLD_SIZE``, as torchrun sets them, or those of a launcher that has started several processes."""
    rank, size = whole(environment.get("RANK")), whole(environment.get("WORLD_SIZE"))
    if rank is not None:
        return rank, size
    for rank_name, size_name in _OTHER_LAUNCHERS:
        its_rank, its_size = whole(environment.get(rank_name)), whole(environment.get(size_name))
        if its_rank is not None and its_size is not None and its_size > 1:
            return its_rank, its_size
    return None, size


class Rank:
    """Reports the rank from torch.distributed if it is not in the variables: ``mp.spawn`` sets none."""

    def __init__(self, report: Callable[[Any], None]) -> None:
        self._report = report
        self._told = rank_from_variables()
        self._inherited = _rank_of_group() is not None
        """Whether the process had a process group from the start: a forked child has that of its parent."""

    @property
    def joined(self) -> bool:
        """Whether this process has initialized torch.distributed itself."""
        return not self._inherited and _rank_of_group() is not None

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


def whole(text: str | None) -> int | None:
    """A variable that holds a number; None for anything else."""
    return int(text) if text is not None and text.isdigit() else None
