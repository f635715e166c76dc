"""This machine's peak performance, measured once and cached."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from profilednn_tui.onednn.roofline import Peaks
from profilednn_tui.project.in_torch import run_script

CACHE_FILE = "machine-peaks.json"


def measured_peaks(python: str, threads: int | None, cache: Path, cpu: str) -> Peaks:
    """The peaks of this machine, from the cache or measured now (some seconds) and cached.

    Raises `ProfilerError` if `python` has no torch.
    """
    key = f"{cpu}, {threads or 'all'} threads, {python}"
    known = _read(cache)
    try:
        return Peaks(**known[key])
    except (KeyError, TypeError):
        pass
    answer = json.loads(run_script(python, {"peaks": True, "threads": threads}, threads))
    peaks = Peaks(**{field.name: answer[field.name] for field in fields(Peaks)})
    cache.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    cache.write_text(json.dumps({**known, key: asdict(peaks)}, indent=1))
    cache.chmod(0o600)
    return peaks


def known_peaks(cache: Path, cpu: str) -> Peaks | None:
    """The latest peaks measured on a machine with this processor; None if there are none."""
    try:
        return Peaks(**[value for key, value in _read(cache).items() if key.startswith(f"{cpu}, ")][-1])
    except (IndexError, TypeError):
        return None


def _read(cache: Path) -> dict[str, Any]:
    try:
        known = json.loads(cache.read_text())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}
