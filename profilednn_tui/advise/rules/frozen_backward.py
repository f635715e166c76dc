"""Gradients of parameters that no optimizer updates."""

from __future__ import annotations

from collections.abc import Callable

from profilednn_tui import units
from profilednn_tui.advise.account import Covered
from profilednn_tui.advise.findings import Evidence, Finding, Remedy
from profilednn_tui.advise.rule import Signals, no_operators
from profilednn_tui.session.view import Operator

WEIGHTS = 0.5
"""What the gradients of weights take of a layer's backward pass, when that of its inputs is needed."""
LEAST_SHARE = 0.02
NAMED = 3


class FrozenBackward:
    """Adds up the backward pass of modules that no optimizer updates."""

    name = "frozen-backward"

    def missing(self, signals: Signals) -> str:
        return no_operators(signals) or ("" if signals.view.conditions else "the agent did not look at the optimizers")

    def look(self, signals: Signals) -> Finding | None:
        conditions = signals.view.conditions
        if conditions is None or not (conditions.unneeded or conditions.unneeded_weights):
            return None
        covered = {**_backward_of(signals, conditions.unneeded_weights, WEIGHTS)}
        covered.update(_backward_of(signals, conditions.unneeded, 1.0))
        account = signals.account
        share = account.share(covered)
        if share < LEAST_SHARE:
            return None
        paths = (*conditions.unneeded, *conditions.unneeded_weights)
        more = f" and {units.count(len(paths) - NAMED)} more" if len(paths) > NAMED else ""
        return Finding(
            self.name,
            f"{units.share(share)} of the step computes gradients of {', '.join(paths[:NAMED])}{more}, which no "
            "optimizer updates",
            (
                Evidence("modules that get gradients and no update", len(paths), "modules", "7"),
                Evidence("their backward pass", sum(covered.values()) / 1e6, "ms per step", "7"),
                Evidence("time in the backward phase", sum(account.of_phase("backward").values()) / 1e6, "ms per step",
                         "1"),
            ),
            Remedy(("frozen_backward",)),
            covered,
        )  # fmt: skip


def _backward_of(signals: Signals, paths: tuple[str, ...], fraction: float) -> Covered:
    """A fraction of the backward operators that stem from some modules."""
    inside = tuple(f"{path}." for path in paths)

    def belongs(path: str) -> bool:
        return path in paths or path.startswith(inside)

    shares = {row.key: _share_inside(row, belongs) for row in signals.view.operators.rows if row.phase == "backward"}
    return {
        part: time_ns * fraction * shares[part.operator]
        for part, time_ns in signals.account.parts.items()
        if part.operator is not None and part.phase == "backward" and shares.get(part.operator)
    }


def _share_inside(row: Operator, belongs: Callable[[str], bool]) -> float:
    """The part of an operator's self time that belongs to some modules."""
    inside = sum(stack.self_ns_per_step for stack in row.stacks if belongs(stack.module))
    return min(1.0, inside / row.self_ns_per_step) if row.self_ns_per_step else 0.0
