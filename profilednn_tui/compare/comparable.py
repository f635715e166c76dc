"""Checks whether two sides are samples of the same training workload."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from types import MappingProxyType

from profilednn_tui import units
from profilednn_tui.compare.runs import Run, Side
from profilednn_tui.session.view import Machine

COMMON_SHAPES = 0.5
"""Share of the smaller set of data shapes. With fewer in common, different data flowed through the model."""
MEMORY_TOLERANCE = 0.01
"""Relative. Kernels on the same machine reserve slightly different amounts of memory."""


def _script(baseline: Side, candidate: Side) -> str | None:
    digests = [{run.view.target.script_sha256 for run in side.runs} - {""} for side in (baseline, candidate)]
    if not all(digests) or len(digests[0] | digests[1]) == 1:
        return None
    if any(len(found) > 1 for found in digests):
        return "the script changed between runs of one side"
    return "the scripts differ"


def _arguments(baseline: Side, candidate: Side) -> str | None:
    first, second = (side.runs[0].view.target for side in (baseline, candidate))
    # The same script may be at another path, so its name counts only if its text is unknown.
    known = bool(first.script_sha256 and second.script_sha256)
    words = [target.argv[1:] if known and target.argv[:1] != ("-m",) else target.argv for target in (first, second)]
    if words[0] == words[1] or not all((first.argv, second.argv)):
        return None
    return f"different arguments: {shlex.join(words[0]) or 'none'} against {shlex.join(words[1]) or 'none'}"


def _shapes(baseline: Side, candidate: Side) -> str | None:
    first, second = _stable_shapes(baseline.runs), _stable_shapes(candidate.runs)
    if not first or not second or _alike(first, second):
        return None
    left, right = _input_shape(first - second), _input_shape(second - first)
    batches = [shape.split("×")[0] for shape in (left, right)]
    if left.split("×")[1:] == right.split("×")[1:]:
        return f"different batch sizes: {batches[0]} against {batches[1]} ({left} against {right})"
    return f"different data shapes: {left} against {right}"


def _machine(baseline: Side, candidate: Side) -> str | None:
    first, second = (side.runs[0].view.machine for side in (baseline, candidate))
    if first.cores is None or second.cores is None:
        return None
    left, right = _hardware(first), _hardware(second)
    memory = [machine.memory_bytes or 0 for machine in (first, second)]
    same_memory = abs(memory[0] - memory[1]) <= MEMORY_TOLERANCE * max(memory)
    if left == right and same_memory:
        return None
    if left == right:
        left, right = (f"{text}, {units.bytes_size(size)}" for text, size in zip((left, right), memory, strict=True))
    return f"different machines: {left} against {right}"


CHECKS: Mapping[str, Callable[[Side, Side], str | None]] = MappingProxyType(
    {"script": _script, "arguments": _arguments, "shapes": _shapes, "machine": _machine}
)
"""What must be the same, by its name on the command line."""


def differences(baseline: Side, candidate: Side) -> dict[str, str]:
    """A description of each failed check, by name; both sides must have at least one run."""
    found = {name: check(baseline, candidate) for name, check in CHECKS.items()}
    return {name: sentence for name, sentence in found.items() if sentence is not None}


def _hardware(machine: Machine) -> str:
    quota = f", quota {machine.quota:g}" if machine.quota is not None else ""
    return f"{machine.cpu or 'unknown CPU'}, {units.counted(machine.cores, 'core')}{quota}"


def _stable_shapes(runs: tuple[Run, ...]) -> frozenset[str]:
    """The shapes in a side's windows; empty if they vary from step to step, as with images of different sizes."""
    windows = [shapes for run in runs for shapes in run.data_shapes]
    if any(not _alike(windows[0], shapes) for shapes in windows[1:]):
        return frozenset()
    return frozenset[str]().union(*windows)


def _alike(first: frozenset[str], second: frozenset[str]) -> bool:
    return len(first & second) >= COMMON_SHAPES * min(len(first), len(second))


def _input_shape(shapes: frozenset[str]) -> str:
    """The shape most likely to be that of the input data: the one with the most elements per channel."""
    return max(shapes, key=lambda shape: (shape.count("×"), _numbers(shape)[-1], [-size for size in _numbers(shape)]))


def _numbers(shape: str) -> list[int]:
    return [int(size) for size in shape.split("×")]
