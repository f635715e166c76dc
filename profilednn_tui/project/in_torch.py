"""Runs primitives again in the target's interpreter, which has torch."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from profilednn_tui.errors import ProfilerError

SCRIPT = Path(__file__).resolve().parent.parent / "target_scripts" / "run_primitives.py"


def reporting(threads: int | None) -> dict[str, str]:
    """The environment in which oneDNN reports what it runs."""
    environment = {**os.environ, "ONEDNN_VERBOSE": "1", "LC_ALL": "C"}
    return environment | ({"OMP_NUM_THREADS": str(threads)} if threads else {})


def run_script(python: str, order: Mapping[str, object], threads: int | None) -> str:
    """The output of ``target_scripts/run_primitives.py`` for an order; raises `ProfilerError` if it fails."""
    environment = reporting(threads) | ({"ONEDNN_VERBOSE": "0"} if order.get("peaks") else {})
    try:
        done = subprocess.run(
            [python, str(SCRIPT)], input=json.dumps(order), capture_output=True, text=True, env=environment, check=False
        )
    except OSError as error:
        raise ProfilerError(f"{python} cannot be run ({error.strerror}). Name an interpreter with torch.") from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no error message"])[-1]
        raise ProfilerError(f"Running the primitives with {python} failed: {last}. Name an interpreter with torch.")
    return done.stdout
