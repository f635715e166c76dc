"""The figures of one operator."""

from __future__ import annotations

from profilednn_tui import units
from profilednn_tui.session.view import Operator, Operators
from profilednn_tui.tui.present.operators import history_line, pass_phase, trend_line
from profilednn_tui.tui.present.states import Message
from profilednn_tui.tui.renderables.line import Line, Span, clip, line_width

_MOST_MODULES = 6
_HISTORY = "history "
_LEAST_HISTORY = 4
"""Windows; fewer are no picture."""


def summary_lines(operator: Operator, width: int) -> tuple[Line, ...]:
    """Times, then inputs, then modules."""
    key = operator.key
    trend = trend_line(operator.trend) or (("steady", "muted"),) if operator.trend is not None else ()
    times: list[Span] = [(" ", "")]
    for label, value, role in (
        ("self", units.duration(operator.self_ns_per_step), "bold"),
        ("share", units.share(operator.share), "bold"),
        ("total", units.duration(operator.total_ns_per_step), ""),
        ("calls", units.count(operator.calls_per_step), ""),
        ("phase", pass_phase(operator) or units.UNKNOWN, ""),
    ):
        times += [(f"{label} ", "muted"), (value, role), ("   ", "")]
    if trend:
        times += [("trend ", "muted"), *trend, ("   ", "")]
    room = width - line_width(tuple(times)) - len(_HISTORY)
    if operator.history and room >= _LEAST_HISTORY:
        times += [(_HISTORY, "muted"), *history_line(operator.history, min(room, len(operator.history)))]
    more = len(operator.modules) - _MOST_MODULES
    modules = ", ".join(operator.modules[:_MOST_MODULES]) + (f" and {more} more" if more > 0 else "")
    memory_format = f"  {key.memory_format}" if key.memory_format else ""
    inputs = f"{key.input_shapes or units.UNKNOWN}  {key.dtypes}{memory_format}"
    return (
        tuple(times),
        ((" inputs  ", "muted"), (clip(inputs, width - 10), "")),
        ((" module  ", "muted"), (clip(modules or "outside of any module", width - 10), "" if modules else "muted")),
    )


def no_stacks_message(operators: Operators) -> Message:
    if not operators.stacks:
        return Message("No call stacks", ("This window was taken without Python stacks.",))
    return Message("No call stack", ("It runs outside of Python: the autograd engine or a library started it.",))
