"""The environment of a target: how the agent gets into it, and the agent's settings."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from profilednn_tui.launch.options import AGENT_FOLDER, LaunchOptions
from profilednn_tui.protocol.vocabulary import (
    CERTIFICATE,
    GRADIENT_NOISE,
    OVERHEAD,
    SEED,
    SESSION,
    STEPS,
    SWITCHING,
    VARIABLES,
    WITH,
)

BOOT_FOLDER = AGENT_FOLDER / "boot"
"""Holds a ``sitecustomize`` that every Python process of the target finds first."""

_SPEED = re.compile(
    r"(OMP|GOMP|KMP|MKL|ONEDNN|DNNL|OPENBLAS|MALLOC|ATEN|TORCH|PYTORCH|LRU)_\w+|GLIBC_TUNABLES|LD_PRELOAD"
)
"""Variables that decide how fast a training is: threads, allocators and kernels."""


def recorded_environment(base: Mapping[str, str], options: LaunchOptions) -> dict[str, str]:
    """What a session keeps of its environment for another run: the user's additions, and what decides on speed."""
    environment = {name: value for name, value in base.items() if _SPEED.fullmatch(name)} | dict(options.environment)
    return {name: value for name, value in environment.items() if _is_text(name + value)}


def target_environment(base: Mapping[str, str], session: Path, options: LaunchOptions) -> dict[str, str]:
    """`base` with the user's additions and ours."""
    # A target that runs profilednn-tui itself must not pass our settings on.
    environment = {name: value for name, value in base.items() if name not in VARIABLES}
    environment.update(options.environment)
    # An empty entry would mean the working directory.
    paths = [str(BOOT_FOLDER), environment.get("PYTHONPATH", "")]
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    environment[SESSION] = str(session)
    environment[OVERHEAD] = f"{options.overhead_percent:g}"
    if options.steps is not None:
        environment[STEPS] = str(options.steps)
    if options.certificate:
        environment[CERTIFICATE] = "1"
    if options.gradient_noise:
        environment[GRADIENT_NOISE] = "1"
    if options.switching is not None:
        environment[SWITCHING] = "1"
    if options.optimizations:
        environment[WITH] = ",".join(options.optimizations)
    if options.seed is not None:
        environment[SEED] = str(options.seed)
        # Python's own seed: the order of sets of strings depends on it, and with that possibly the order of the data.
        environment.setdefault("PYTHONHASHSEED", str(options.seed))
    # torch reads it once, at the first profile: without it, each window prints a line to the target's stderr.
    environment.setdefault("KINETO_LOG_LEVEL", "99")
    return environment


def _is_text(text: str) -> bool:
    """Whether it can be written to a file; bytes that are not UTF-8 cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
