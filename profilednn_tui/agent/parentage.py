"""How this process was created, and whether others take part in its training."""

from __future__ import annotations

import sys
from typing import Any


def is_child_of_multiprocessing() -> bool:
    """Whether `multiprocessing` created this process: most such processes are DataLoader workers, which never train."""
    module = sys.modules.get("multiprocessing.process")
    return module is not None and module.parent_process() is not None


def is_becoming_one() -> bool:
    """Whether this process is being spawned: it still unpickles data from its parent, which is why it imports torch."""
    module = sys.modules.get("multiprocessing.process")
    return module is not None and getattr(module.current_process(), "_inheriting", False)


def is_distributed(torch: Any) -> bool:
    """Whether other ranks take part in this process's training."""
    distributed = getattr(torch, "distributed", None)
    return distributed is not None and distributed.is_available() and bool(distributed.is_initialized())
