"""Optimizations as the host sees them: which ones exist, which are available, and what they change before launch.

Everything beyond our own names comes from the agent's survey in the target's interpreter, where it is accurate.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from profilednn_tui.collect.cgroup import cgroup_of
from profilednn_tui.errors import ProfilerError
from profilednn_tui.launch.command import TargetCommand
from profilednn_tui.launch.interpreter import ask, find_interpreter
from profilednn_tui.launch.options import AGENT_FOLDER, LaunchOptions
from profilednn_tui.plain import plain_values

DESCRIBE_SCRIPT = AGENT_FOLDER.parent / "target_scripts" / "describe_optimizations.py"
CHECK_SCRIPT = DESCRIBE_SCRIPT.with_name("check_optimization.py")
CHECK_LIMIT_S = 300.0


@dataclass(frozen=True, slots=True)
class OptimizationDescription:
    """One optimization and its state in the target's environment."""

    name: str
    description: str
    conflicts: tuple[str, ...]
    at_launch: bool
    """Whether it acts before the target starts."""
    reason: str
    """Why it is not available; empty if it is."""
    fix: str
    live: bool = False
    """Whether it can be switched off and on between the steps of one process."""

    @property
    def available(self) -> bool:
        return not self.reason


@dataclass(frozen=True, slots=True)
class OptimizationCheck:
    """One check of an optimization of another package."""

    subject: str
    verdict: str
    """``ok``, ``limited`` or ``broken``."""
    text: str
    fix: str


@dataclass(frozen=True, slots=True)
class LaunchPlan:
    """What the chosen optimizations change before the target starts."""

    environment: dict[str, str]
    processors: frozenset[int] = frozenset()
    """Logical CPUs for the target; empty for those it would have anyway."""


def own_optimizations() -> tuple[str, ...]:
    """The optimizations of this package: one file each."""
    return tuple(sorted(file.stem for file in (AGENT_FOLDER / "optimizations").glob("[!_]*.py")))


def check_names(names: Sequence[str], python: str | None) -> None:
    """Raise `ProfilerError` for a name that is neither ours nor an entry point in the target's environment."""
    known = own_optimizations()
    if set(names) <= set(known):
        return
    known = tuple(_ask_target(python or find_interpreter(None), "names") or known)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ProfilerError(f"There is no optimization {', '.join(unknown)}. There are: {', '.join(known)}.")


def describe_optimizations(python: str) -> tuple[OptimizationDescription, ...]:
    """All optimizations, checked in an environment; takes as long as importing its torch."""
    found = _ask_target(python, "describe")
    if found is None:
        raise ProfilerError(
            f"{python} could not report which optimizations are available. "
            f"See `profilednn-tui doctor --python {shlex.quote(python)}`."
        )
    return tuple(OptimizationDescription(**{**one, "conflicts": tuple(one["conflicts"])}) for one in found)


def check_optimization(python: str, name: str) -> tuple[OptimizationCheck, ...]:
    """Load an optimization in an environment, and train a small model without and with it."""
    found = _decoded(ask(python, str(CHECK_SCRIPT), name, time_limit_s=CHECK_LIMIT_S))
    if found is None:
        raise ProfilerError(
            f"The check of {name} gave no answer within {CHECK_LIMIT_S:.0f} s: it ends or stops the interpreter. "
            f"See `{shlex.quote(python)} {CHECK_SCRIPT} {shlex.quote(name)}`."
        )
    return tuple(OptimizationCheck(*check) for check in found)


def launch_plan(command: TargetCommand, options: LaunchOptions, base: Mapping[str, str]) -> LaunchPlan:
    """What the chosen optimizations change before launch.

    What the user has set, in the environment `base` or by option, stays; our libraries are preloaded before the user's.
    """
    if not options.optimizations:
        return LaunchPlan({})
    environment = {**base, **options.environment}
    quota = cgroup_of(os.getpid()).quota_cpus
    words = "launch", "none" if quota is None else str(quota), *options.optimizations
    python, folder = command.python or find_interpreter(None), command.working_directory
    answer = _ask_target(python, *words, environment=environment, working_directory=folder)
    if answer is None:
        return LaunchPlan({})  # the agent reports each optimization
    changes = {name: value for name, value in answer["environment"].items() if name not in environment}
    if answer["preload"]:
        changes["LD_PRELOAD"] = ":".join([*answer["preload"], *filter(None, [environment.get("LD_PRELOAD")])])
    return LaunchPlan(changes, frozenset(answer["processors"]))


def _ask_target(
    python: str, *words: str, environment: Mapping[str, str] | None = None, working_directory: str | None = None
) -> Any:
    """The decoded answer; None if there is none."""
    answer = ask(
        python,
        str(DESCRIBE_SCRIPT),
        *words,
        environment=environment,
        working_directory=working_directory,
        time_limit_s=60.0,
    )
    return _decoded(answer)


def _decoded(answer: str) -> Any:
    try:
        return plain_values(json.loads(answer))
    except ValueError:
        return None
