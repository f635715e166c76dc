"""Runs primitives again with benchdnn, oneDNN's own benchmark program, if it is on PATH.

It runs every kind of primitive, including those that no torch call leads to. As with torch, only oneDNN's own reports
count, because they name the implementation.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterable, Mapping

from profilednn_tui.onednn.benchdnn import benchdnn_arguments
from profilednn_tui.onednn.breakdown import task
from profilednn_tui.onednn.line import execution
from profilednn_tui.onednn.records import Primitive
from profilednn_tui.project.in_torch import reporting

RUNS = 12
"""Runs per primitive, after one warm-up run."""
LONGEST_S = 60.0
_MODES: Mapping[str, tuple[str, ...]] = {"cold": ("--cold-cache=all",), "warm": ()}


def time_primitives(
    program: str, primitives: Iterable[Primitive], threads: int | None, seconds: float
) -> dict[tuple[Primitive, str], dict[int, list[float]]]:
    """Milliseconds by primitive and mode, as `projection.Samples`, without primitives that benchdnn does not run.

    In a step, the caches hold what the other primitives left: "turn" is the cold run, if this benchdnn has one.
    """
    environment = reporting(threads)
    samples: dict[tuple[Primitive, str], dict[int, list[float]]] = {}
    end_s = time.monotonic() + seconds
    for primitive in primitives:
        if time.monotonic() > end_s:
            break
        times_ms = {mode: _times_ms(program, primitive, knobs, environment) for mode, knobs in _MODES.items()}
        in_turn_ms = times_ms["cold"] or times_ms["warm"]
        if in_turn_ms:
            samples[primitive, "turn"] = {number: [one] for number, one in enumerate(in_turn_ms, start=1)}
        samples.update(((primitive, mode), {0: found}) for mode, found in times_ms.items() if found)
    return samples


def _times_ms(program: str, primitive: Primitive, knobs: Iterable[str], environment: Mapping[str, str]) -> list[float]:
    arguments = benchdnn_arguments(primitive, "--mode=P", f"--fix-times-per-prb={RUNS}", *knobs)
    if arguments is None:
        return []
    try:
        done = subprocess.run(
            [program, *arguments], capture_output=True, env=environment, timeout=LONGEST_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    if done.returncode:
        return []
    told = map(execution, done.stdout.decode(errors="replace").splitlines())
    runs_ms = [one.time_ms for one in told if one is not None and _is_wanted(one.primitive, primitive)]
    return runs_ms[1:]


def _is_wanted(ran: Primitive, wanted: Primitive) -> bool:
    """benchdnn also reorders the data it generates, so a reorder must match exactly."""
    return ran == wanted if wanted.is_reorder else task(ran) == task(wanted)
