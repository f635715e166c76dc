"""The same random numbers in every run of an experiment."""

from __future__ import annotations

import importlib
import random
import sys
from typing import Any


def seed_all(torch: Any, seed: int) -> None:
    """Seed Python's, NumPy's and torch's generators, right after torch was imported.

    A program that sets its own seeds does so later, and identically in every run.
    """
    random.seed(seed)
    torch.manual_seed(seed)
    try:
        numpy = sys.modules.get("numpy") or importlib.import_module("numpy")
        numpy.random.seed(seed % 2**32)
    except Exception:  # noqa: BLE001 - a target without NumPy, or with one that does not load
        return
