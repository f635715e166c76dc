"""The two questions that the paper asks of a training and its reference: are all kernels of the reference there, and do
the shares of the time agree? With them, what revealed its two largest gains: gradients of layers that need none, and a
ratio of backward to forward time that is not that of the kernels.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from profilednn_tui.compare.alignment import align_operators
from profilednn_tui.compare.runs import Run, Side
from profilednn_tui.onednn.breakdown import Group, total
from profilednn_tui.onednn.compare import Delta, LogComparison, compare_logs
from profilednn_tui.onednn.records import PrimitiveLog
from profilednn_tui.session.model.work import is_computing
from profilednn_tui.session.view import SessionView

MOST_ROWS = 5
"""Of each kind."""
LEAST_SHARE = 0.01
"""Of the reference's operators: a smaller kernel that is missing does not matter."""
LEAST_MOVE = 0.02
"""Difference of two shares."""
NO_BACKWARD = 0.05
"""Backward time of a layer without gradients, as a fraction of its forward time, at most."""
ALARM = 1.3
"""Factor between the backward to forward ratio of the model and that of its kernels from which they disagree."""


@dataclass(frozen=True, slots=True)
class Shares:
    """A kernel and its share of the time of all operators, on both sides."""

    name: str
    """``aten::native_batch_norm``, or ``oneDNN convolution BWD_W`` for primitives, which run inside of operators."""
    here: float
    there: float


@dataclass(frozen=True, slots=True)
class Gradient:
    """A backward pass that the reference does without."""

    name: str
    """A module's path, or a primitive with its problem."""
    ms_per_step: float


@dataclass(frozen=True, slots=True)
class Passes:
    """Time of the backward pass divided by that of the forward pass; None if unknown."""

    model: float | None
    kernels: float | None

    @property
    def disagree(self) -> bool:
        """Whether the model's passes differ more than its kernels explain."""
        if not self.model or not self.kernels:
            return False
        return max(self.model / self.kernels, self.kernels / self.model) >= ALARM


@dataclass(frozen=True, slots=True)
class Reference:
    """A session beside its reference."""

    name: str
    missing: tuple[Shares, ...]
    """Kernels of the reference that are missing here, largest share there first."""
    moved: tuple[Shares, ...]
    """Kernels on both sides whose shares differ, largest difference first."""
    gradients: tuple[Gradient, ...]
    """Longest first."""
    here: Passes
    there: Passes
    unknown: str = ""
    """Why nothing can be told of kernels; empty if it can."""


def beside_reference(view: SessionView, reference: SessionView) -> Reference:
    """Compare a session with its reference."""
    passes = _passes(view), _passes(reference)
    name = reference.target.name
    without = [side for side, seen in (("this session", view), (name, reference)) if not seen.operators.windows]
    if without:
        unknown = f"{' and '.join(without)} recorded no operators"
        return Reference(name, (), (), (), *passes, unknown)
    sides = _side(reference), _side(view)
    logs = None
    if view.primitives.windows and reference.primitives.windows:
        logs = compare_logs(reference.primitives.log, view.primitives.log)
    kernels = [*_operators(*sides), *(_primitives(logs, view, reference) if logs is not None else ())]
    missing = sorted((one for one in kernels if not one.here and one.there >= LEAST_SHARE), key=lambda one: -one.there)
    both = [one for one in kernels if one.here and one.there and abs(one.here - one.there) >= LEAST_MOVE]
    moved = sorted(both, key=lambda one: (-abs(one.here - one.there), one.name))
    gradients = sorted(
        [*_layers(*sides), *(_calls(logs.more_backward, view) if logs is not None else ())],
        key=lambda one: -one.ms_per_step,
    )
    return Reference(name, tuple(missing[:MOST_ROWS]), tuple(moved[:MOST_ROWS]), tuple(gradients[:MOST_ROWS]), *passes)


def _side(view: SessionView) -> Side:
    return Side(view.target.name, (Run(view.target.name, view),))


def _operators(reference: Side, here: Side) -> Iterable[Shares]:
    """By name: shapes differ with the batch size."""
    times: dict[str, list[float]] = {}
    for row in align_operators(reference, here):
        sums = times.setdefault(row.key.name, [0.0, 0.0])
        sums[0] += row.candidate_ns or 0.0
        sums[1] += row.baseline_ns or 0.0
    whole = [sum(column) or 1.0 for column in zip(*times.values(), strict=True)]
    # Not the annotations of torch.profiler, whose names have no namespace: they run no kernel.
    return [Shares(name, ours / whole[0], theirs / whole[1]) for name, (ours, theirs) in times.items() if "::" in name]


def _primitives(logs: LogComparison, here: SessionView, reference: SessionView) -> Iterable[Shares]:
    for delta in logs.directions:
        shares = _share_of_operators(delta.other, here), _share_of_operators(delta.reference, reference)
        yield Shares(f"oneDNN {' '.join(delta.label)}".strip(), *shares)


def _share_of_operators(group: Group | None, view: SessionView) -> float:
    whole_ms = view.operators.self_ns_per_step * len(view.primitives.windows) / 1e6
    return group.execution.total_ms / whole_ms if group is not None and whole_ms else 0.0


def _layers(reference: Side, here: Side) -> Iterable[Gradient]:
    """Layers with a backward pass here only."""
    forward_only = {
        (module.path, module.class_name)
        for module in reference.runs[0].view.operators.modules
        if module.forward_ns > 0 and module.backward_ns <= NO_BACKWARD * module.forward_ns
    }
    for module in here.runs[0].view.operators.modules:
        known = (module.path, module.class_name) in forward_only
        if known and not module.children and module.backward_ns > NO_BACKWARD * module.forward_ns > 0:
            yield Gradient(f"{module.path} ({module.class_name})", module.backward_ns / 1e6)


def _calls(more: Iterable[Delta], view: SessionView) -> Iterable[Gradient]:
    """Primitives with more backward calls for the same forward calls."""
    for delta in more:
        if delta.other is not None and delta.other.execution.count:
            extra = min(1.0, delta.calls_delta / delta.other.execution.count)
            ms_per_step = extra * delta.other.execution.total_ms / len(view.primitives.windows)
            yield Gradient(" ".join(delta.label), ms_per_step)


def _passes(view: SessionView) -> Passes:
    phases = {phase.name: phase.median_ns for phase in view.phases}
    model = _ratio(phases.get("backward", 0.0), phases.get("forward", 0.0))
    kernels = _of_primitives(view.primitives.log) if view.primitives.windows else None
    return Passes(model, kernels if kernels is not None else _of_operators(view))


def _of_primitives(log: PrimitiveLog) -> float | None:
    times = [
        total(use.execution for use in log.uses if use.primitive.direction.startswith(direction)).total_ms
        for direction in ("BWD", "FWD")
    ]
    return _ratio(*times)


def _of_operators(view: SessionView) -> float | None:
    """Of products and convolutions."""
    times = [
        sum(row.self_ns_per_step for row in view.operators.rows if row.phase == phase and is_computing(row.key))
        for phase in ("backward", "forward")
    ]
    return _ratio(*times)


def _ratio(backward: float, forward: float) -> float | None:
    return backward / forward if backward and forward else None
