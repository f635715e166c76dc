"""Runs a training script and notes the moment of every optimizer update.

`python observed.py FOLDER SCRIPT ARGS` makes FOLDER/ready when it trains; when there is FOLDER/stop, it writes the
moments, in nanoseconds of the monotonic clock, to FOLDER/updates.json and ends.
"""

from __future__ import annotations

import json
import runpy
import sys
import time
from pathlib import Path
from typing import Any

from torch.optim.optimizer import register_optimizer_step_post_hook

FIRST_UPDATES = 5
LOOK_NS = 200_000_000
"""Between two looks at the folder: it must cost nothing."""


class Observer:
    """Notes updates."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._updates_ns: list[int] = []
        self._next_look_ns = 0

    def note(self, optimizer: Any, arguments: Any, keywords: Any) -> None:
        """Note an update."""
        now_ns = time.monotonic_ns()
        self._updates_ns.append(now_ns)
        if now_ns < self._next_look_ns:
            return
        self._next_look_ns = now_ns + LOOK_NS
        if len(self._updates_ns) > FIRST_UPDATES:
            (self._folder / "ready").touch()
        if (self._folder / "stop").exists():
            (self._folder / "updates.json").write_text(json.dumps(self._updates_ns))
            sys.exit(0)


if __name__ == "__main__":
    folder, *sys.argv = sys.argv[1:]
    register_optimizer_step_post_hook(Observer(Path(folder)).note)
    runpy.run_path(sys.argv[0], run_name="__main__")
