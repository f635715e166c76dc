"""Whether a candidate trains the same as the baseline: loss, gradients and movement of every parameter, step by step.

Two runs with the same random numbers that compute the same differ by rounding errors at most. Those begin at the unit
of the precision and grow: an error of relative size d flips the ReLU units and maxima whose inputs are that close, a
share of about d of all, and as each flip replaces a whole term of the gradient, the gradient changes by about sqrt(d).
Adaptive optimizers such as Adam do the same once more to the weights, as a gradient that is nearly zero may change its
sign. So a step is judged by what the steps before it show (`_grown`): a deviation that exceeds both this and the
rounding of the precision has another cause. Once rounding errors have grown so far that they would hide anything, the
comparison ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from profilednn_tui import units
from profilednn_tui.compare.losses import BFLOAT16_KINDS, Precision, precision_of, same_numbers
from profilednn_tui.compare.runs import Run
from profilednn_tui.compare.warmup import Floats
from profilednn_tui.protocol.vocabulary import CERTIFICATE_NOTICE
from profilednn_tui.session.view import OptimizerLearning

ROUNDING: Mapping[Precision, float] = MappingProxyType(
    {Precision.FLOAT64: 1e-10, Precision.FLOAT32: 1e-5, Precision.BFLOAT16: 2e-2}
)
"""Relative deviation of a norm that rounding alone explains."""
GRADIENT_ROUNDING: Mapping[Precision, float] = MappingProxyType(
    {Precision.FLOAT64: 3e-8, Precision.FLOAT32: 7e-4, Precision.BFLOAT16: 2e-2}
)
"""The same of a step's gradients: `ROOT_FACTOR` times the root of the unit roundoff, as its own forward pass already
flips units, or as bfloat16 was measured. A U-Net whose convolutions were channels last deviated by 3e-5 in its first
such step, while the loss was the same to the last digit."""
ROOT_FACTOR, ROOT_OF_ROOT_FACTOR = 3.0, 0.5
"""Multiples of the root of the largest deviation so far, and of that root's root, which the next one may reach. At most
0.8 of the former (ResNet-18 with SGD) and 0.22 of the latter (ResNet-18 with Adam) were measured."""
OF_GRADIENT = 3.0
"""The norm of a group's movement may deviate by this multiple of the deviations of the gradients that caused it."""
EXACT = 1e-12
"""Norms of gradients with the same bits deviate by less: they are summed in float64, perhaps in another order."""
AT_RANDOM, AT_RANDOM_NORM = 5e-2, 2e-3
"""A group's movement as a vector over its parameters, and its norm, may deviate this much once gradients do at all:
adaptive optimizers such as Adam move a weight whose gradient is nothing but rounding errors as far as any other. The
key biases of attention are such weights: one in a thousand of a small transformer (measured there: 9e-3 and 1e-4)."""
GROSS = 2.0
"""Factor by which no parameter's movement may be off if its gradient is well above the allowed deviation."""
WELL_ABOVE = 4.0
HORIZON = 0.5
"""The comparison ends when so large a deviation would be allowed."""
EVEN = 0.5
"""All parameters have one factor in common if it leaves less than this share of their deviation."""
NAMED = 3
"""At most so many parameters are named in a sentence."""

LOSS, GRADIENT, MOVEMENT = "loss", "gradient norm", "movement"


class Sameness(Enum):
    """The results a certificate can have."""

    IDENTICAL = "bit-identical"
    ROUNDING = "within rounding"
    DIFFERENT = "trains differently"
    OTHER_NUMBERS = "other random numbers: not compared"
    UNKNOWN = "cannot be told"


@dataclass(frozen=True, slots=True)
class Deviation:
    """A relative deviation of the candidate from the baseline."""

    quantity: str
    """`LOSS`, `GRADIENT` or `MOVEMENT`."""
    where: str
    """The parameter; empty for the loss."""
    step: int
    relative: float
    """Of a single parameter, relative to the norm of its group."""


@dataclass(frozen=True, slots=True)
class GroupRecord:
    """The norms of a parameter group over the steps, shape (steps,); nan if unknown."""

    optimizer: str
    group: int
    parameters: int
    baseline_gradients: tuple[float, ...]
    candidate_gradients: tuple[float, ...]
    baseline_movements: tuple[float, ...]
    candidate_movements: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Certificate:
    """The result and the figures behind it."""

    sameness: Sameness
    steps: int = 0
    """Number of steps for which both trained the same."""
    recorded: int = 0
    """Number of steps that both have."""
    precision: Precision | None = None
    """The finest precision whose rounding explains the deviations; None unless within rounding."""
    largest: Deviation | None = None
    """The largest deviation in the steps that were compared."""
    reasons: tuple[str, ...] = ()
    """What differs, or why it cannot be told."""
    losses: tuple[tuple[float | None, float | None], ...] = ()
    """Of the baseline and the candidate, for each step."""
    groups: tuple[GroupRecord, ...] = ()

    @property
    def text(self) -> str:
        """The result in one line, without figures."""
        if self.sameness in (Sameness.IDENTICAL, Sameness.ROUNDING):
            of = "" if self.steps == self.recorded else f" of {self.recorded}"
            how = self.sameness.value if self.precision is None else f"within rounding of {self.precision.name.lower()}"
            return f"same training for {self.steps}{of} steps, {how}"
        reasons = "; ".join(self.reasons)
        return f"{self.sameness.value}: {reasons}" if reasons else self.sameness.value


@dataclass(frozen=True, slots=True)
class _Group:
    """A parameter group on both sides; arrays of shape (steps, parameters)."""

    optimizer: str
    order: int
    """Number of the optimizer."""
    number: int
    names: tuple[str, ...]
    precision: Precision
    """Of the parameters."""
    gradients: tuple[Floats, Floats]
    """Of the baseline and the candidate; 0 without a gradient."""
    movements: tuple[Floats, Floats]


@dataclass(frozen=True, slots=True)
class _Excess:
    """A deviation that rounding does not explain."""

    quantity: str
    step: int
    """From 0."""
    relative: float
    group: _Group | None
    unit: float = ROUNDING[Precision.FLOAT32]
    """The rounding that was allowed for."""


def certificate(stock: Run, candidate: Run, more: Sequence[Run] = (), repeats: Sequence[Run] = ()) -> Certificate:
    """Compare two runs whose learning was recorded.

    `more` are other runs of both sides, which show the precision in use. `repeats` are other runs of the baseline: if
    their losses differ although their random numbers are the same, nothing can be told.
    """
    silent = next((run for run in (stock, candidate) if not run.view.learning), None)
    if silent is not None:
        return Certificate(Sameness.UNKNOWN, reasons=(_why_silent(silent),))
    losses = _losses(stock, candidate)
    reasons = list(_structure(stock.view.learning, candidate.view.learning))
    groups = _groups(stock.view.learning, candidate.view.learning)
    recorded = min((len(group.gradients[0]) for group in groups), default=0)
    records = tuple(map(_record, groups))
    same = same_numbers([stock], [candidate])
    if not recorded:
        return Certificate(Sameness.UNKNOWN, reasons=("no optimizer has made an update in both runs",), losses=losses)
    if not reasons and _identical(stock, candidate, losses):
        return Certificate(Sameness.IDENTICAL, recorded, recorded, losses=losses, groups=records)
    if not same:
        outcome = Sameness.UNKNOWN if same is None else Sameness.OTHER_NUMBERS
        unknown = ("the random numbers of the runs were not recorded",) if same is None else ()
        return Certificate(outcome, 0, recorded, reasons=unknown, losses=losses, groups=records)
    coarsest = precision_of((stock, candidate, *more))
    finest = max((group.precision for group in groups), key=lambda one: ROUNDING[one])
    judged = {
        precision: _judge(groups, losses, precision)
        for precision in Precision
        if ROUNDING[finest] <= ROUNDING[precision] <= max(ROUNDING[coarsest], ROUNDING[finest])
    }
    still = [*_unmoved(groups, max(ROUNDING[coarsest], ROUNDING[finest])), *_broken(losses)]
    for precision, (steps, excess, largest) in judged.items():
        if excess is None and not reasons and not still:
            return Certificate(Sameness.ROUNDING, steps, recorded, precision, largest, (), losses, records)
    agreed, excess, largest = judged[coarsest if coarsest in judged else finest]
    unsteady = _unsteady(stock, repeats, coarsest)
    if unsteady:
        return Certificate(Sameness.UNKNOWN, 0, recorded, None, largest, (unsteady,), losses, records)
    reasons += still
    if excess is not None and not reasons:
        if _unknown_dtypes((stock, candidate, *more)) and _judge(groups, losses, Precision.BFLOAT16)[1] is None:
            reason = (
                "as far apart as bfloat16 explains, and no operators were recorded that would show whether it is used"
            )
            return Certificate(Sameness.UNKNOWN, 0, recorded, None, largest, (reason,), losses, records)
        reasons.append(_explain(excess, groups))
    agreed = agreed if excess is not None else 0
    return Certificate(Sameness.DIFFERENT, agreed, recorded, None, largest, tuple(reasons), losses, records)


# ---------------------------------------------------------------- the two sides


def _why_silent(run: Run) -> str:
    notice = next((one.text for one in run.view.notices if one.code == CERTIFICATE_NOTICE), None)
    if notice is not None:
        return f"{run.name}: {notice}"
    if run.view.agent.errors:
        return f"{run.name}: the agent failed ({run.view.agent.errors[-1].splitlines()[-1]})"
    return f"{run.name}: no torch optimizer has made an update"


def _structure(stock: Sequence[OptimizerLearning], candidate: Sequence[OptimizerLearning]) -> Iterator[str]:
    """What the candidate's optimizers update that the baseline's do not, and the other way round."""
    if len(stock) != len(candidate):
        yield f"{len(candidate)} instead of {len(stock)} optimizers"
        return
    for theirs, ours in zip(stock, candidate, strict=True):
        missing = list(dict.fromkeys(name for name in theirs.names if name not in set(ours.names)))
        added = list(dict.fromkeys(name for name in ours.names if name not in set(theirs.names)))
        if missing:
            yield f"{_enumerated(missing)} not updated: no optimizer has {'it' if len(missing) == 1 else 'them'}"
        if added:
            yield f"{_enumerated(added)} updated, but not by the baseline"


def _enumerated(names: Sequence[str]) -> str:
    """``a, b and 3 more are`` or ``a is``."""
    shown = list(names[:NAMED])
    rest = len(names) - len(shown)
    last = f"{rest} more" if rest else shown.pop()
    return f"{', '.join(shown)} and {last} are" if shown else f"{last} is"


def _groups(stock: Sequence[OptimizerLearning], candidate: Sequence[OptimizerLearning]) -> list[_Group]:
    """The baseline's groups, with the parameters that both sides have."""
    found = []
    for order, (theirs, ours) in enumerate(zip(stock, candidate, strict=False)):
        steps = min(len(theirs.updates), len(ours.updates))
        places = {name: place for place, name in enumerate(ours.names)}
        for number in dict.fromkeys(theirs.groups):
            members = [
                place for place, name in enumerate(theirs.names) if theirs.groups[place] == number and name in places
            ]
            others = [places[theirs.names[place]] for place in members]
            if not members:
                continue
            found.append(
                _Group(
                    theirs.class_name,
                    order,
                    number,
                    tuple(theirs.names[place] for place in members),
                    max((_precision(theirs.dtypes[place]) for place in members), key=lambda one: ROUNDING[one]),
                    (_gradients(theirs, steps, members), _gradients(ours, steps, others)),
                    (_movements(theirs, steps, members), _movements(ours, steps, others)),
                )
            )
    return found


def _precision(dtype: str) -> Precision:
    if dtype in ("float64", "complex128"):
        return Precision.FLOAT64
    return Precision.FLOAT32 if dtype in ("float32", "complex64") else Precision.BFLOAT16


def _gradients(one: OptimizerLearning, steps: int, places: Sequence[int]) -> Floats:
    return _array([update.gradient_norms for update in one.updates[:steps]], places)


def _movements(one: OptimizerLearning, steps: int, places: Sequence[int]) -> Floats:
    return _array([update.movements for update in one.updates[:steps]], places)


def _array(rows: Sequence[Sequence[float | None]], places: Sequence[int]) -> Floats:
    return np.array([[row[place] or 0.0 for place in places] for row in rows]).reshape(len(rows), len(places))


def _losses(stock: Run, candidate: Run) -> tuple[tuple[float | None, float | None], ...]:
    first, second = (
        dict(zip(run.view.steps.numbers, run.view.steps.losses, strict=True)) for run in (stock, candidate)
    )
    return tuple((first[number], second[number]) for number in sorted(first.keys() & second.keys()))


def _identical(stock: Run, candidate: Run, losses: Sequence[tuple[float | None, float | None]]) -> bool:
    """Whether every parameter had the same bits after each update that both runs have, and every loss was the same."""
    for theirs, ours in zip(stock.view.learning, candidate.view.learning, strict=True):
        if theirs.names != ours.names or theirs.unread or ours.unread:
            return False
        if any(a.checksums != b.checksums for a, b in zip(theirs.updates, ours.updates, strict=False)):
            return False
    return all(a == b or (a is not None and b is not None and a != a and b != b) for a, b in losses)


def _record(group: _Group) -> GroupRecord:
    norms = [_together(one) for one in (*group.gradients, *group.movements)]
    first, second, third, fourth = (tuple(map(float, one)) for one in norms)
    return GroupRecord(group.optimizer, group.number, len(group.names), first, second, third, fourth)


def _unsteady(stock: Run, repeats: Sequence[Run], precision: Precision) -> str:
    """Whether runs of the baseline themselves differ, although they began with the same random numbers."""
    for run in repeats:
        if not same_numbers([stock], [run]):
            continue
        excess = _judge([], _losses(stock, run), precision)[1]
        if excess is not None:
            far = units.share(excess.relative)
            return f"with the same seed, runs of the baseline are {far} apart in the loss of step {excess.step + 1}"
    return ""


def _unknown_dtypes(runs: Sequence[Run]) -> bool:
    kinds = {one.name for run in runs for one in run.view.optimizations}
    return not kinds & BFLOAT16_KINDS and not any(run.view.operators.rows for run in runs)


# ---------------------------------------------------------------- judging


def _judge(
    groups: Sequence[_Group], losses: Sequence[tuple[float | None, float | None]], precision: Precision
) -> tuple[int, _Excess | None, Deviation | None]:
    """The number of steps that agree, the first deviation that rounding does not explain, and the largest explained."""
    steps = max(len(losses) if not groups else 0, *(len(group.gradients[0]) for group in groups), 0)
    unit = ROUNDING[precision]
    quiet = [_above_rounding(group, unit) for group in groups]
    seen, largest = 0.0, None
    scale = max((abs(first) for first, _ in losses if first is not None and np.isfinite(first)), default=0.0)
    for step in range(steps):
        if _grown(seen) >= HORIZON:
            return step, None, largest
        allowed = max(unit, _grown(seen))
        now = seen
        if step < len(losses):
            relative = _loss_deviation(losses[step], scale)
            if relative > allowed:
                return step, _Excess(LOSS, step, relative, None), largest
            largest = _larger(largest, LOSS, "", step, relative)
            now = max(now, relative)
        for group, kept in zip(groups, quiet, strict=True):
            if step >= len(group.gradients[0]):
                continue
            # The gradients of a second optimizer may depend on the update of the first.
            grown = _grown(now if group.order else seen)
            gradient, place = _deviation(group.gradients, step, _all(group))
            if gradient > max(GRADIENT_ROUNDING[precision], grown):
                return step, _Excess(GRADIENT, step, gradient, group, unit), largest
            largest = _larger(largest, GRADIENT, group.names[place], step, gradient)
            movement, place = _deviation(group.movements, step, kept)
            if _moves_otherwise(group, step, kept, movement, gradient, now if group.order else seen, unit):
                return step, _Excess(MOVEMENT, step, movement, group, unit), largest
            largest = _larger(largest, MOVEMENT, group.names[place], step, movement)
            now = max(now, gradient, movement)
        seen = now
    return steps, None, largest


def _grown(seen: float) -> float:
    """What rounding errors of relative size `seen` may grow to in one step."""
    root = float(np.sqrt(seen))
    return max(ROOT_FACTOR * root, ROOT_OF_ROOT_FACTOR * float(np.sqrt(root)))


def _moves_otherwise(
    group: _Group,
    step: int,
    kept: npt.NDArray[np.bool_],
    movement: float,
    gradient: float,
    seen: float,
    unit: float,
) -> bool:
    """Whether a movement deviates by more than the deviations of the gradients explain, which are `gradient` in this
    step and at most `seen` before."""
    if max(gradient, seen) <= EXACT:
        return movement > ROUNDING[group.precision]
    grown = _grown(seen)
    first, second = (side[step] * kept for side in group.movements)
    whole = float(np.linalg.norm(first))
    if not whole or not np.isfinite(movement):
        return movement > AT_RANDOM
    norm = abs(float(np.linalg.norm(second)) / whole - 1)
    if movement > max(AT_RANDOM, grown, OF_GRADIENT * gradient):
        return True
    if norm > max(AT_RANDOM_NORM, ROUNDING[group.precision], OF_GRADIENT * max(gradient, seen)):
        return True
    gradients = group.gradients[0][step]
    judged = kept & (gradients > WELL_ABOVE * max(unit, grown) * float(np.linalg.norm(gradients))) & (first > 0)
    return bool((np.abs(np.log(np.maximum(second[judged], 1e-300) / first[judged])) > np.log(GROSS)).any())


def _deviation(sides: tuple[Floats, Floats], step: int, kept: npt.NDArray[np.bool_]) -> tuple[float, int]:
    """The relative deviation of a group's norms, as a vector over its parameters, and the place of the largest part."""
    first, second = (side[step] * kept for side in sides)
    if not np.array_equal(np.isfinite(first), np.isfinite(second)):
        return np.inf, int(np.argmax(np.isfinite(first) != np.isfinite(second)))
    with np.errstate(all="ignore"):
        difference = np.nan_to_num(np.abs(second - first), nan=0.0, posinf=0.0)
        whole = float(np.linalg.norm(np.nan_to_num(first, posinf=0.0)))
        part = float(np.linalg.norm(difference))
    return (part / whole if whole else np.inf if part else 0.0), int(np.argmax(difference))


def _loss_deviation(pair: tuple[float | None, float | None], scale: float) -> float:
    first, second = pair
    if first is None or second is None or not np.isfinite(first):
        return 0.0
    if not np.isfinite(second):
        return float(np.inf)
    return abs(second - first) / max(abs(first), 0.1 * scale, 1e-30)


def _above_rounding(group: _Group, unit: float) -> npt.NDArray[np.bool_]:
    """The parameters whose gradients are more than rounding errors; shape (parameters,).

    Without, as for a bias before a batch norm, adaptive optimizers move them at random.
    """
    with np.errstate(all="ignore"):
        shares = [np.nan_to_num(side / np.maximum(_together(side)[:, None], 1e-300)) for side in group.gradients]
    kept: npt.NDArray[np.bool_] = np.maximum(shares[0].max(axis=0), shares[1].max(axis=0)) > unit
    return kept if kept.any() else np.ones_like(kept)


def _only_rounding(group: _Group, unit: float) -> npt.NDArray[np.bool_]:
    """The parameters whose gradients are small and have little in common on both sides; shape (parameters,).

    A coarser precision makes those of a bias before a batch norm so much larger that the bias begins to move.
    """
    first, second = (side.max(axis=0) for side in group.gradients)
    larger, smaller = np.maximum(first, second), np.minimum(first, second)
    found: npt.NDArray[np.bool_] = ~_above_rounding(group, unit) & (smaller > 0) & (larger > GROSS * smaller)
    return found


def _together(side: Floats) -> Floats:
    """The norms of a group; shape (steps,)."""
    with np.errstate(all="ignore"):
        found: Floats = np.sqrt(np.square(side).sum(axis=1))
    return found


def _larger(largest: Deviation | None, quantity: str, where: str, step: int, relative: float) -> Deviation | None:
    if relative <= (0.0 if largest is None else largest.relative):
        return largest
    return Deviation(quantity, where, step + 1, float(relative))


def _broken(losses: Sequence[tuple[float | None, float | None]]) -> Iterator[str]:
    """Where the candidate's loss is no number any more, even beyond the steps that can be compared."""
    for step, (first, second) in enumerate(losses, 1):
        if first is not None and second is not None and np.isfinite(first) and not np.isfinite(second):
            yield f"the loss is not finite from step {step}"
            return


def _unmoved(groups: Sequence[_Group], unit: float) -> Iterator[str]:
    """Parameters that only one side has moved at the end, and by more than rounding of size `unit`."""
    for group in groups:
        if not len(group.movements[0]):
            continue
        stock, candidate = (side[-1] for side in group.movements)
        floor = ROUNDING[Precision.FLOAT32] * max(float(_together(side)[-1]) for side in group.movements)
        names = np.array(group.names)
        judged = ~_only_rounding(group, unit)
        still, moving = judged & (stock > floor) & (candidate == 0), judged & (candidate > floor) & (stock == 0)
        if still.any():
            yield f"{_enumerated(list(names[still]))} not updated"
        if moving.any():
            yield f"{_enumerated(list(names[moving]))} updated, but not by the baseline"


# ---------------------------------------------------------------- explaining


def _explain(excess: _Excess, groups: Sequence[_Group]) -> str:
    """What differs first, and what would explain it."""
    since, group = f"from step {excess.step + 1}", excess.group
    several = len(groups) > 1
    if group is None:
        what = "the loss"
    else:
        what = f"the {excess.quantity} of group {group.number}" if several else f"the {excess.quantity}"
    if not np.isfinite(excess.relative):
        return f"{what} is infinitely far off {since}"
    if group is None:
        return f"{what} is {units.share(excess.relative)} off {since}"
    first, second = (side[excess.step] for side in _sides(group, excess))
    if excess.quantity == GRADIENT and ((second == 0) & (first > 0)).any():
        names = _enumerated(list(np.array(group.names)[(second == 0) & (first > 0)]))
        return f"{names} without gradient {since}"
    factor = _common_factor([group], excess)
    if factor is not None and _common_factor(groups, excess) is not None:
        what = f"the {excess.quantity} of every parameter {'group' if several else ''}".rstrip()
    if factor is not None:
        size = f"{units.share(abs(factor - 1))} {'larger' if factor > 1 else 'smaller'}"
        of_movement = "learning rate or momentum" if excess.step else "learning rate"
        cause = of_movement if excess.quantity == MOVEMENT else "scale of the loss"
        return f"{what} is {size} {since}: another {cause} would do that"
    place = _deviation(_sides(group, excess), excess.step, _judged(group, excess))[1]
    agree = ", although the gradients agree" if excess.quantity == MOVEMENT else ""
    return f"{what} is {units.share(excess.relative)} off {since}{agree}; most in {group.names[place]}"


def _sides(group: _Group, excess: _Excess) -> tuple[Floats, Floats]:
    return group.gradients if excess.quantity == GRADIENT else group.movements


def _judged(group: _Group, excess: _Excess) -> npt.NDArray[np.bool_]:
    return _above_rounding(group, excess.unit) if excess.quantity == MOVEMENT else _all(group)


def _common_factor(groups: Sequence[_Group], excess: _Excess) -> float | None:
    """The factor between the norms of the two sides; None if it differs from parameter to parameter."""
    if any(excess.step >= len(group.gradients[0]) for group in groups):
        return None
    steps = [[side[excess.step][_judged(group, excess)] for side in _sides(group, excess)] for group in groups]
    first, second = (np.concatenate([sides[place] for sides in steps]) for place in (0, 1))
    known = (first > 0) & np.isfinite(first) & np.isfinite(second)
    first, second = first[known], second[known]
    if not len(first):
        return None
    factor = float(first @ second / (first @ first))
    unexplained = float(np.linalg.norm(second - factor * first))
    typical = float(np.median(second / first))
    even = unexplained <= EVEN * float(np.linalg.norm(second - first)) and abs(typical - factor) <= EVEN * abs(
        factor - 1
    )
    return factor if even else None


def _all(group: _Group) -> npt.NDArray[np.bool_]:
    return np.ones(len(group.names), dtype=np.bool_)
