"""Measuring what this machine can do at best; `session.storage.peaks` keeps it."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from profilednn_tui.onednn.roofline import Peaks
from profilednn_tui.project.in_torch import run_script
from profilednn_tui.project.neighbours import watch_neighbours
from profilednn_tui.session.storage.peaks import PeaksKey, read_cache

ATTEMPTS = 3
"""Measurements beside other processes before the best one is returned with a warning, and not cached."""


@dataclass(frozen=True, slots=True)
class MeasuredPeaks:
    """Peaks, and why they may be too low."""

    peaks: Peaks
    contention: str | None = None
    """A sentence if something else disturbed each measurement."""


def measured_peaks(python: str, key: PeaksKey, cache: Path, again: bool = False) -> MeasuredPeaks:
    """The peaks of this machine, from the cache or measured now (some seconds) and cached, unless beside neighbours.

    `again` ignores what is cached. Raises `ProfilerError` if `python` has no torch.
    """
    name = f"{key.text()}, {python}"
    with suppress(KeyError, TypeError):
        if not again:
            return MeasuredPeaks(Peaks(**read_cache(cache)[name]))
    attempts: list[Peaks] = []
    contention = None
    for _ in range(ATTEMPTS):
        neighbours = watch_neighbours()
        answer = json.loads(run_script(python, {"peaks": True, "threads": key.threads}, key.threads))
        attempts.append(Peaks(**{field.name: answer[field.name] for field in fields(Peaks)}))
        contention = neighbours()
        if contention is None:
            _keep(cache, name, attempts[-1])
            return MeasuredPeaks(attempts[-1])
    return MeasuredPeaks(max(attempts, key=lambda one: one.float32_gflops), contention)


def _keep(cache: Path, name: str, peaks: Peaks) -> None:
    cache.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    known = read_cache(cache)
    known.pop(name, None)  # the newest is last
    cache.write_text(json.dumps({**known, name: asdict(peaks)}, indent=1))
    cache.chmod(0o600)
