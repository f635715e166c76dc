"""Runs a training script and notes the time of every optimizer update, and now and then its memory: the same in a
plain and in a watched run.

`python observed.py OUT.json SCRIPT ARGS`
"""

from __future__ import annotations

import json
import resource
import runpy
import sys
import time
from typing import Any

from torch.optim.optimizer import register_optimizer_step_post_hook

MEMORY_INTERVAL_NS = 200_000_000

updates_ns: list[int] = []
resident_bytes: list[int] = []


def note(optimizer: Any, arguments: Any, keywords: Any) -> None:
    """Note an update, and five times a second the memory."""
    updates_ns.append(time.perf_counter_ns())
    if updates_ns[-1] - updates_ns[0] >= len(resident_bytes) * MEMORY_INTERVAL_NS:
        with open("/proc/self/statm") as stream:
            resident_bytes.append(int(stream.read().split()[1]) * resource.getpagesize())


if __name__ == "__main__":
    out, *sys.argv = sys.argv[1:]
    register_optimizer_step_post_hook(note)
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    finally:
        peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        with open(out, "w") as stream:
            json.dump({"updates_ns": updates_ns, "resident_bytes": resident_bytes, "peak_bytes": peak_bytes}, stream)
