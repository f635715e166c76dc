"""Time of oneDNN primitives as parts of the step, for rules that look at them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from profilednn_tui.advise.account import Covered, Part
from profilednn_tui.advise.rule import Signals, no_operators
from profilednn_tui.onednn.records import PrimitiveUse

CHANNELS_LAST = frozenset({"acdb", "acdeb", "nhwc", "ndhwc"})
"""oneDNN's tags of activations that the program keeps in torch's channels_last formats."""
_MOST_OF_SELF = 1.2
"""Primitives and operators are timed apart."""


def no_primitives(signals: Signals) -> str:
    """The reason of rules that need primitives."""
    return no_operators(signals) or (
        "" if signals.view.primitives.windows else "no window has data on oneDNN primitives"
    )


def uses(signals: Signals, chosen: Callable[[PrimitiveUse], bool]) -> tuple[PrimitiveUse, ...]:
    """The primitives that are chosen, longest time first."""
    return tuple(use for use in signals.view.primitives.log.uses if chosen(use))


def in_channels_last(use: PrimitiveUse) -> bool:
    """Whether a primitive reads its activations in channels_last."""
    return any(tensor.role == "src" and tensor.layout in CHANNELS_LAST for tensor in use.primitive.tensors)


def per_step_ms(signals: Signals, use: PrimitiveUse) -> float:
    """The time of a primitive per step."""
    return use.execution.total_ms / len(signals.view.primitives.windows)


def covered_by(signals: Signals, chosen: Callable[[PrimitiveUse], bool], fraction: float = 1.0) -> Covered:
    """A fraction of the time that the chosen primitives take of the operators that ran them."""
    return dict(_claims(signals, lambda use: fraction * use.execution.total_ms if chosen(use) else 0.0))


def creations_of(signals: Signals) -> Covered:
    """The time that creating primitives takes of the operators that ran them."""
    return dict(_claims(signals, lambda use: use.creation.total_ms))


def _claims(signals: Signals, time_ms: Callable[[PrimitiveUse], float]) -> Iterator[tuple[Part, float]]:
    view, account = signals.view, signals.account
    windows = len(view.primitives.windows) or 1
    rows = {row.key: row for row in view.operators.rows}
    for part, part_ns in account.parts.items():
        row = rows.get(part.operator) if part.operator is not None else None
        log = view.primitives.by_operator.get(part.operator) if part.operator is not None else None
        if row is None or log is None:
            continue
        inside_ns = 1e6 * sum(map(time_ms, log.uses)) / windows
        # The operators around the one that ran a primitive have it as well, but not in their self time.
        if 0 < inside_ns < _MOST_OF_SELF * row.self_ns_per_step:
            yield part, min(part_ns, inside_ns * part_ns / row.self_ns_per_step)
