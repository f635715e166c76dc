"""Measuring what this machine can do at best; `session.storage.peaks` keeps it."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from pathlib import Path

from profilednn_tui.onednn.roofline import Peaks
from profilednn_tui.project.in_torch import run_script
from profilednn_tui.session.storage.peaks import read_cache


def measured_peaks(python: str, threads: int | None, cache: Path, cpu: str) -> Peaks:
    """The peaks of this machine, from the cache or measured now (some seconds) and cached.

    Raises `ProfilerError` if `python` has no torch.
    """
    key = f"{cpu}, {threads or 'all'} threads, {python}"
    known = read_cache(cache)
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
