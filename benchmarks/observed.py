"""Runs a training script under the agent and notes the time of every optimizer update, in turns: watched, and with the
agent's hooks removed.

`python observed.py FOLDER TURN_S SCRIPT ARGS` writes to FOLDER/done when a turn is over, and reads what comes next from
FOLDER/go: "w" for a watched turn, "p" for a plain one, "q" to write FOLDER/turns.json and exit.
"""

from __future__ import annotations

import gc
import json
import os
import runpy
import sys
import time
from pathlib import Path
from typing import Any

import torch
from torch.optim.optimizer import Optimizer, register_optimizer_step_post_hook

MIN_UPDATES = 4
"""Per turn, however slow they are."""


class Observer:
    """Notes updates by turn; times in nanoseconds."""

    def __init__(self, folder: Path, turn_s: float) -> None:
        self._out = folder / "turns.json"
        self._done = os.open(folder / "done", os.O_RDWR)
        self._go = os.open(folder / "go", os.O_RDWR)
        self._turn_ns = int(turn_s * 1e9)
        self._turns: list[tuple[str, list[int]]] = [("w", [])]
        self._hooks: Any = None
        self._left_ns = 0

    def note(self, optimizer: Any, arguments: Any, keywords: Any) -> None:
        """Note an update."""
        self._turns[-1][1].append(time.perf_counter_ns())

    def between_steps(self) -> None:
        """End the turn if its time is over, but not inside a profiler window."""
        kind, updates_ns = self._turns[-1]
        if len(updates_ns) <= MIN_UPDATES or updates_ns[-1] - updates_ns[0] < self._turn_ns:
            return
        if torch.autograd._profiler_enabled():
            return
        os.write(self._done, b".")
        word = os.read(self._go, 1).decode()
        if word == "q":
            self._out.write_text(json.dumps(self._turns))
            sys.exit(0)
        if self._hooks is None:
            self._hooks = next(one for one in gc.get_objects() if type(one).__qualname__ == "Hooks")
        if word != kind:
            (self._watch if word == "w" else self._leave)()
        self._turns.append((word, [time.perf_counter_ns()]))

    def _leave(self) -> None:
        self._hooks.remove()
        self._left_ns = time.perf_counter_ns()

    def _watch(self) -> None:
        """Watch again as if there had been no plain turn: it must not earn a window for the next turn's first steps."""
        watch = self._hooks._listener
        watch._first_ns += time.perf_counter_ns() - self._left_ns
        watch._last = watch._last._replace(now_ns=watch._timeline.skip())
        self._hooks.install()


def main() -> None:
    folder, turn_s, *sys.argv = sys.argv[1:]
    observer = Observer(Path(folder), float(turn_s))
    register_optimizer_step_post_hook(observer.note)
    zero_grad = Optimizer.zero_grad

    def between_steps(self: Any, *arguments: Any, **keywords: Any) -> None:
        observer.between_steps()
        zero_grad(self, *arguments, **keywords)

    Optimizer.zero_grad = between_steps
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
