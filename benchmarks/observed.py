"""Runs a training script and notes the time of every optimizer update and its memory: the same in a plain and in a
watched run. It trains only in its turn, so that two runs share a machine without disturbing each other.

`python observed.py FOLDER NAME TURN_S SCRIPT ARGS` writes FOLDER/NAME.json. In FOLDER/NAME.done it says that its turn
is over, and it waits for the next in FOLDER/NAME.go, where "q" ends it.
"""

from __future__ import annotations

import json
import os
import resource
import runpy
import sys
import time
from pathlib import Path
from typing import Any

import torch
from torch.optim.optimizer import register_optimizer_step_post_hook

FEWEST_UPDATES = 4
"""In a turn, however slow they are."""


class Observer:
    """Notes updates, turn by turn; times in nanoseconds."""

    def __init__(self, folder: Path, name: str, turn_s: float) -> None:
        self._out = folder / f"{name}.json"
        self._done = os.open(folder / f"{name}.done", os.O_RDWR)
        self._go = os.open(folder / f"{name}.go", os.O_RDWR)
        self._turn_ns = int(turn_s * 1e9)
        self._turns: list[list[int]] = [[]]
        self._resident_bytes: list[int] = []

    def note(self, optimizer: Any, arguments: Any, keywords: Any) -> None:
        """Note an update; end the turn when it is over, but not inside a window of the profiler."""
        turn = self._turns[-1]
        turn.append(time.perf_counter_ns())
        over = turn[-1] - turn[0] >= self._turn_ns and len(turn) > FEWEST_UPDATES
        if over and not torch.autograd._profiler_enabled():
            with open("/proc/self/statm") as stream:
                self._resident_bytes.append(int(stream.read().split()[1]) * resource.getpagesize())
            os.write(self._done, b".")
            if os.read(self._go, 1) == b"q":
                self._write()
                sys.exit(0)
            self._turns.append([time.perf_counter_ns()])

    def _write(self) -> None:
        peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        noted = {"turns_ns": self._turns, "resident_bytes": self._resident_bytes, "peak_bytes": peak_bytes}
        self._out.write_text(json.dumps(noted))


if __name__ == "__main__":
    folder, name, turn_s, *sys.argv = sys.argv[1:]
    register_optimizer_step_post_hook(Observer(Path(folder), name, float(turn_s)).note)
    runpy.run_path(sys.argv[0], run_name="__main__")
