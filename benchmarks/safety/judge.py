"""How a run differs from the plain one: pure functions of what the runs have left behind."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from profilednn_tui.compare.losses import BFLOAT16_KINDS

SAME, ROUNDED, BFLOAT16 = 1e-5, 1e-3, 5e-2
TOLERANCES = {"none": SAME, "allocator": SAME, "omp_wait": SAME, "frozen_backward": SAME}
"""Relative tolerances of losses. If nothing is computed differently, runs may differ by where tensors are in memory and
how threads share the work, and no more. Other layouts, thread counts and fused kernels sum float32 in a different
order: ROUNDED, after some updates. bfloat16 keeps 8 bits of a number, 0.4 % each time."""
FARTHEST = {SAME: 1e-3, ROUNDED: 3e-2, BFLOAT16: 0.5}
"""How far all parameters together may end from those of the plain run, relative to how far they moved."""
MIN_LOSS = 0.1
"""Losses below this share of the largest are compared as if they were that large."""
RACING = 0.15
"""Relative tolerance of the mean of the last losses, for a program whose runs are not repeatable."""
MOVED = 1e-12
SHORTER, LONGER = 0.4, 2.5
"""A parameter has moved as in the plain run if the ratio of the distances is in this range; Adam moves one without a
gradient by its rounding errors."""

NUMBER = re.compile(r"-?\d+\.\d+(?:e[+-]?\d+)?|nan|-?inf")


@dataclass(frozen=True)
class Receipt:
    """What the tool reported about an optimization."""

    name: str
    state: str
    text: str


@dataclass(frozen=True)
class Shown:
    """What the tool shows about a training run."""

    steps: int
    losses: list[float]
    operators: int
    windows: int
    errors: list[str]
    """Errors of the agent."""


@dataclass(frozen=True)
class Run:
    """What a run has left behind."""

    exit_code: int | None
    """None if it did not end in time."""
    stdout: str
    error: str
    """The last line of a traceback on stderr."""
    seconds: float
    receipts: tuple[Receipt, ...]
    shown: Shown | None
    """None if the run was not watched."""
    result: dict[str, Any] | None
    """What the program wrote about itself (record.py)."""


def tolerance(names: tuple[str, ...]) -> float:
    """The tolerance of losses under some optimizations."""
    if BFLOAT16_KINDS.intersection(names):
        return BFLOAT16
    return max((TOLERANCES.get(name, ROUNDED) for name in names), default=SAME)


def crash(plain: Run, run: Run) -> str:
    """How a run ended differently from the plain one; empty if it did not."""
    if run.exit_code is None:
        return "no end in time"
    if run.exit_code != plain.exit_code:
        return f"exit code {run.exit_code}: {run.error}"
    return ""


def harm(plain: Run, run: Run, limit: float) -> Iterator[str]:
    """Everything that is not as in the plain run, for runs that ended alike."""
    if plain.result is None or run.result is None:
        if plain.result is not run.result:
            yield "no result was written"
        return
    repeatable = plain.result["repeatable"]
    yield from _stdout(plain.stdout, run.stdout, limit if repeatable else math.inf)
    losses, others = plain.result["losses"], run.result["losses"]
    yield from _losses(losses, others, limit) if repeatable else _ends(losses, others)
    farthest = FARTHEST[limit] if repeatable else math.inf
    yield from _tensors(plain.result["tensors"], run.result["tensors"], farthest)
    for part in ("checkpoint", "modules"):
        yield from _counted(part, list(unlike(plain.result[part], run.result[part], limit=0.0)))
    yield from (f"fact {found}" for found in unlike(plain.result["facts"], run.result["facts"], limit))


def misread(run: Run) -> list[str]:
    """Where what the tool shows about a run differs from the program's own log."""
    if run.shown is None or run.result is None:
        return []
    steps, losses = run.result["steps"], run.result["losses"]
    found = [f"agent error: {_short(error)}" for error in run.shown.errors]
    if run.shown.steps != steps:
        found.append(f"{run.shown.steps} steps instead of {steps}")
    elif len(losses) == steps and run.shown.losses and apart(losses, run.shown.losses) > ROUNDED:
        found.append("different losses")
    if len(losses) == steps and len(run.shown.losses) not in (0, steps):
        found.append(f"{len(run.shown.losses)} losses")
    if run.shown.steps and not run.shown.operators:
        found.append("no operators")
    return found


def traces(plain: Run, run: Run) -> list[str]:
    """What can be seen of an optimization after training, though no checkpoint contains it."""
    if plain.result is None or run.result is None:
        return []
    return list(unlike(plain.result["traces"], run.result["traces"], limit=0.0))


def apart(plain: list[float], others: list[float]) -> float:
    """The largest relative difference of losses."""
    least = MIN_LOSS * max((abs(loss) for loss in plain if math.isfinite(loss)), default=0.0)
    return max((_relative(a, b, least) for a, b in zip(plain, others, strict=False)), default=0.0)


def unlike(plain: Any, other: Any, limit: float, path: str = "") -> Iterator[str]:
    """Where two descriptions differ; numbers may differ by `limit`."""
    if isinstance(plain, Mapping) and isinstance(other, Mapping):
        if list(plain) != list(other):
            gone, added = [key for key in plain if key not in other], [key for key in other if key not in plain]
            yield (
                f"{path or 'keys'}: without {gone}, with {added}"
                if gone or added
                else f"{path or 'keys'}: in a different order"
            )
        for key in plain:
            if key in other:
                yield from unlike(plain[key], other[key], limit, f"{path}.{key}" if path else str(key))
    elif isinstance(plain, list) and isinstance(other, list) and len(plain) == len(other) and plain[:1] != ["tensor"]:
        for index, (one, two) in enumerate(zip(plain, other, strict=True)):
            yield from unlike(one, two, limit, f"{path}[{index}]")
    elif isinstance(plain, float) and isinstance(other, float):
        if _relative(plain, other, 1e-6) > limit:
            yield f"{path}: {other:.6g} instead of {plain:.6g}"
    elif plain != other:
        what, expected = _one_part(other, plain)
        yield f"{path}: {_short(what)} instead of {_short(expected)}"


CLAIMS = (
    (r"no 2-D|no convolution", lambda contents: contents["convolutions"]),
    (r"no 3x3 convolution", lambda contents: contents["wide_3x3_convolutions"]),
    (r"no frozen batch norm", lambda contents: contents["frozen_norms"]),
    (r"no torch optimizer|no optimizer of torch", lambda contents: contents["optimizers"]),
    (r"no model was|no module|calls no", lambda contents: contents["modules"]),
    (r"did not reach the process", lambda contents: True),
)
"""Reasons that a program's own contents can prove false."""


def is_false(reason: str, contents: Mapping[str, Any]) -> bool:
    """Whether a refusal gives a reason that is not true of this program."""
    return any(re.search(pattern, reason) and disproof(contents) for pattern, disproof in CLAIMS)


def _one_part(other: Any, plain: Any) -> tuple[Any, Any]:
    """For two tensors that differ in one part, that part."""
    if isinstance(plain, list) and isinstance(other, list) and len(plain) == len(other):
        different = [(one, two) for one, two in zip(other, plain, strict=True) if one != two]
        if len(different) == 1:
            return different[0]
    return other, plain


def _counted(part: str, found: list[str]) -> Iterator[str]:
    """The first difference, and how many more there are."""
    if found:
        yield f"{part}: {found[0]}" + (f", and {len(found) - 1} more" if len(found) > 1 else "")


def _stdout(plain: str, other: str, limit: float) -> Iterator[str]:
    """Text must be the same; numbers may differ within the tolerance and by their last printed digit."""
    lines, others = plain.splitlines(), other.splitlines()
    if len(lines) != len(others):
        yield f"stdout has {len(others)} lines instead of {len(lines)}"
    for one, two in zip(lines, others, strict=False):
        same = NUMBER.sub("#", one) == NUMBER.sub("#", two)
        numbers = zip(NUMBER.findall(one), NUMBER.findall(two), strict=False)
        if not same or any(_printed_apart(a, b, limit) for a, b in numbers):
            yield f"stdout: {_short(two)} instead of {_short(one)}"
            return


def _printed_apart(one: str, two: str, limit: float) -> bool:
    digit = 10.0 ** -len(one.partition("e")[0].partition(".")[2]) if "e" not in one else 0.0
    a, b = float(one), float(two)
    if not (math.isfinite(a) and math.isfinite(b)):
        return one != two
    return abs(a - b) > 2 * limit * max(abs(a), MIN_LOSS) + 1.1 * digit


def _losses(plain: list[float], others: list[float], limit: float) -> Iterator[str]:
    if len(plain) != len(others):
        yield f"{len(others)} losses instead of {len(plain)}"
    elif (found := apart(plain, others)) > limit:
        yield f"losses differ by {found:.1e} (tolerance {limit:g})"


def _ends(plain: list[float], others: list[float]) -> Iterator[str]:
    """For a program whose workers race: compares the average of the second half of the losses."""
    expected, found = (sum(one[len(one) // 2 :]) / max(1, len(one) - len(one) // 2) for one in (plain, others))
    if len(plain) != len(others) or _relative(expected, found, 1e-6) > RACING:
        yield f"losses end at {found:.3g} instead of {expected:.3g} on average"


def _tensors(plain: dict[str, Any], others: dict[str, Any], farthest: float) -> Iterator[str]:
    stopped, squares, way = [], 0.0, 0.0
    for name in plain.keys() & others.keys():
        one, two = plain[name], others[name]
        if MOVED < one["moved"] < math.inf and not SHORTER <= two["moved"] / one["moved"] <= LONGER:
            stopped.append(f"{name} by {two['moved']:.1e} instead of {one['moved']:.1e}")
        if one["moved"] < math.inf and len(one["values"]) == len(two["values"]):
            squares += _squares(one["values"], two["values"])
            way += _squares(one["values"], one["before"])
    if stopped:
        yield f"moved: {'; '.join(sorted(stopped)[:3])}" + (f" and {len(stopped) - 3} more" if len(stopped) > 3 else "")
    if way and not math.sqrt(squares / way) <= farthest:
        yield f"parameters end apart by {math.sqrt(squares / way):.1e} of their movement (tolerance {farthest:g})"
    if plain.keys() != others.keys():
        yield f"different tensors: {sorted(plain.keys() ^ others.keys())[:4]}"


def _squares(one: list[float], two: list[float]) -> float:
    return sum((a - b) ** 2 for a, b in zip(one, two, strict=False))


def _relative(one: float, two: float, least: float) -> float:
    if not (math.isfinite(one) and math.isfinite(two)):
        return 0.0 if one == two or (math.isnan(one) and math.isnan(two)) else math.inf
    return abs(one - two) / max(abs(one), least, 1e-300)


def _short(thing: Any) -> str:
    text = str(thing)
    return text if len(text) <= 80 else f"{text[:77]}..."
