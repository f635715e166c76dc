"""Where this process comes from, and whether others go along with it."""

from __future__ import annotations

import sys
from typing import Any


def is_child_of_multiprocessing() -> bool:
    """Whether this process was made by `multiprocessing`: most are DataLoader workers, and those never train."""
    module = sys.modules.get("multiprocessing.process")
    return module is not None and module.parent_process() is not None


def is_becoming_one() -> bool:
    """The same of a spawned process that still reads what its parent has for it, and imports torch for that."""
    module = sys.modules.get("multiprocessing.process")
    return module is not None and getattr(module.current_process(), "_inheriting", False)


def is_distributed(torch: Any) -> bool:
    """Whether other ranks take part in what this process trains."""
    distributed = getattr(torch, "distributed", None)
    return distributed is not None and distributed.is_available() and bool(distributed.is_initialized())
