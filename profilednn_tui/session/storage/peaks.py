"""The measured peaks of this machine, cached between runs; `project.peaks` measures them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from profilednn_tui.onednn.roofline import Peaks

CACHE_FILE = "machine-peaks.json"
"""In the folder of all sessions."""


def known_peaks(cache: Path, cpu: str) -> Peaks | None:
    """The peaks last measured on a machine with this processor; None if they never were."""
    try:
        return Peaks(**[value for key, value in read_cache(cache).items() if key.startswith(f"{cpu}, ")][-1])
    except (IndexError, TypeError):
        return None


def read_cache(cache: Path) -> dict[str, Any]:
    """The cached peaks by processor, threads and interpreter; the newest last."""
    try:
        known = json.loads(cache.read_text())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}
