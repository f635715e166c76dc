"""Phrases about operators and the windows behind them, for every place that shows these."""

from __future__ import annotations

from profilednn_tui import units
from profilednn_tui.session.view import Operators, Remaining

_NODE_PREFIX = "autograd::engine::evaluate_function: "


def operator_name(name: str) -> tuple[str, str]:
    """An operator's name for people and what kind it is: ``("MmBackward0", "node")`` for the autograd engine's call of
    a node, which torch names with a prefix longer than most columns."""
    return (name[len(_NODE_PREFIX) :], "node") if name.startswith(_NODE_PREFIX) else (name, "")


def operator_text(name: str) -> str:
    """``MmBackward0 node``"""
    return " ".join(filter(None, operator_name(name)))


NOTABLE_GAP = 0.005
"""As a fraction of the time of all operators."""


def windows_words(operators: Operators) -> str:
    """``window at step 5``, ``windows at steps 3 and 5``, ``8 windows at steps 3 to 410``."""
    steps = operators.steps
    if len(steps) > 3:
        return f"{len(steps)} windows at steps {steps[0]:,} to {steps[-1]:,}"
    *some, last = [f"{step:,}" for step in steps] or ["?"]
    return f"windows at steps {', '.join(some)} and {last}" if some else f"window at step {last}"


def change_words(operators: Operators) -> str:
    """``steps have since grown from 12.0 ms to 31.0 ms``; empty while the windows represent the run."""
    since = operators.since
    if since is None:
        return ""
    grown = "grown" if since.now_ns > since.before_ns else "shrunk"
    return f"steps have since {grown} from {units.duration(since.before_ns)} to {units.duration(since.now_ns)}"


def gap_words(operators: Operators) -> str:
    """``the rows, medians each, add up to 11.2 of 11.9 ms``; empty if the difference is negligible."""
    whole_ns, gap_ns = operators.self_ns_per_step, operators.gap_ns_per_step
    if abs(gap_ns) <= NOTABLE_GAP * whole_ns:
        return ""
    figures = f"{units.milliseconds(whole_ns - gap_ns)} of {units.milliseconds(whole_ns)} ms"
    return f"the rows, medians each, add up to {figures}"


def remaining_words(remaining: Remaining) -> str:
    """``37 to 41 min left``; empty if it is not even known how long the training is."""
    if remaining.low_s is None or remaining.high_s is None:
        return "time left unknown" if remaining.source else ""
    return f"{units.span(remaining.low_s, remaining.high_s)} left"
