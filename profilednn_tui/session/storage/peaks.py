"""The measured peaks of this machine, cached between runs; `project.peaks` measures them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from profilednn_tui.onednn.roofline import Peaks

CACHE_FILE = "machine-peaks.json"
"""In the folder of all sessions."""


@dataclass(frozen=True, slots=True)
class PeaksKey:
    """What peaks depend on; another number of threads, or other cores of the same machine, reach others."""

    cpu: str
    cores: tuple[int, ...]
    """The logical CPUs that may be used."""
    threads: int

    def text(self) -> str:
        return f"{self.cpu}, CPUs {_ranges(self.cores)}, {self.threads} threads"


def known_peaks(cache: Path, key: PeaksKey) -> Peaks | None:
    """The peaks last measured under these conditions with any interpreter; None if they never were."""
    try:
        known = [value for name, value in read_cache(cache).items() if name.startswith(key.text() + ", ")]
        return Peaks(**known[-1])
    except (IndexError, TypeError):
        return None


def read_cache(cache: Path) -> dict[str, Any]:
    """The cached peaks by conditions and interpreter; the newest last."""
    try:
        known = json.loads(cache.read_text())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _ranges(cores: Iterable[int]) -> str:
    """``0-3,8``"""
    parts: list[list[int]] = []
    for core in sorted(cores):
        if parts and parts[-1][-1] == core - 1:
            parts[-1][1:] = [core]
        else:
            parts.append([core])
    return ",".join("-".join(map(str, part)) for part in parts)
