"""A source file with syntax highlighting and the time caused by each line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from profilednn_tui import units
from profilednn_tui.session.view import Frame, Operators
from profilednn_tui.tui.present.operators import decimals_for
from profilednn_tui.tui.renderables.line import Line, Span

_MOST_LINES = 8_000
"""Longer files are shown without highlighting: a generated file must not block the screen."""

_ROLES = {
    "Keyword": "phase-backward",
    "Comment": "muted italic",
    "String": "success",
    "Number": "phase-data",
    "Function": "primary",
    "Class": "primary bold",
    "Decorator": "phase-data",
    "Builtin": "phase-loss",
    "Pseudo": "phase-loss italic",
    "Operator.Word": "phase-backward",
}


@dataclass(frozen=True, slots=True)
class SourceLine:
    """One line of a file."""

    number: int
    code: Line
    cost_ns: float
    share: float
    """Of the time in `whole`."""


def line_costs(operators: Operators, file: str) -> dict[int, float]:
    """Time per step that each line of a file causes, directly or not: the self time of operators called from it, and
    the time that its calls spend outside of operators, such as waiting for data.

    Work of the backward pass counts at the line of the forward pass that created it. Time between the calls of a
    function counts at its ``def``.
    """
    costs: dict[int, float] = {}

    def add(frames: Sequence[Frame], time_ns: float) -> None:
        for line in {frame.line for frame in frames if frame.file == file}:
            costs[line] = costs.get(line, 0.0) + time_ns

    for operator in operators.rows:
        for stack in operator.stacks:
            add(stack.forward_frames or stack.frames, stack.self_ns_per_step)
    for outside in operators.outside:
        add(outside.frames, outside.ns_per_step)
    return costs


def whole(operators: Operators) -> tuple[float, str]:
    """The time per step that shares of lines are of, and its name.

    Recordings of early versions and windows without stacks tell nothing of the time outside of operators.
    """
    if operators.outside and operators.profiled_step_ns:
        return operators.profiled_step_ns, "the profiled step"
    return operators.self_ns_per_step, "all operators"


def source_lines(code: Sequence[str], costs: Mapping[int, float], whole_ns: float) -> tuple[SourceLine, ...]:
    """The file's lines with their costs."""
    highlighted = highlight(code)
    return tuple(
        SourceLine(number, line, costs.get(number, 0.0), costs.get(number, 0.0) / whole_ns if whole_ns else 0.0)
        for number, line in enumerate(highlighted, start=1)
    )


def render_source(line: SourceLine, number_width: int, peak_ns: float) -> Line:
    """Number, time of the line, code. The colour of the time grows with it."""
    hot = line.cost_ns / peak_ns if peak_ns else 0.0
    role = "error" if hot > 0.5 else "warning" if hot > 0.15 else "muted"
    gutter: tuple[Span, ...] = ((f" {str(line.number).rjust(number_width)}", "faint"),)
    if peak_ns:
        cost = units.fixed(line.cost_ns / 1e6, decimals_for(peak_ns)) if line.cost_ns else ""
        share = units.fixed(line.share * 100, 1) if line.share >= 0.0005 else ""
        gutter += ((cost.rjust(10), role), (share.rjust(6), "muted"))
    return (*gutter, (" │ ", "faint"), *line.code)


def highlight(code: Sequence[str]) -> tuple[Line, ...]:
    """Python source as coloured lines."""
    if len(code) > _MOST_LINES:
        return tuple(((line.expandtabs(4), ""),) for line in code)
    # Imported here because no other screen needs it.
    from pygments.lexers.python import PythonLexer  # type: ignore[import-untyped]

    lines: list[list[Span]] = [[]]
    text = "\n".join(line.rstrip("\n").expandtabs(4) for line in code)
    for token, value in PythonLexer(stripnl=False, ensurenl=False).get_tokens(text):
        role = _role(str(token))
        first, *others = value.split("\n")
        if first:
            lines[-1].append((first, role))
        for part in others:
            lines.append([(part, role)] if part else [])
    return tuple(tuple(line) for line in lines[: len(code)])


def _role(token: str) -> str:
    return next((role for name, role in _ROLES.items() if f".{name}" in token), "")
