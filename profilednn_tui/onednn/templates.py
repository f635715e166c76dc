"""Distinct primitives as parameters to run again: the twelve fields of the paper's Table 1, and benchdnn's command.

The log's layout takes precedence; if the log has none, benchdnn's plain layout (nchw) is used. benchdnn runs one kind
of primitive per process, named first, so each problem is a command line of its own.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace

from profilednn_tui.onednn.benchdnn import PROGRAM, auxiliary, benchdnn_arguments, driver, lost_in_benchdnn
from profilednn_tui.onednn.breakdown import configuration
from profilednn_tui.onednn.problem import dimensions, sizes
from profilednn_tui.onednn.records import Primitive, PrimitiveLog

PLAIN_LAYOUTS = ("", "a", "ab", "abc", "abcd", "abcde")
"""By number of dimensions; ``abcd`` is nchw."""


@dataclass(frozen=True, slots=True)
class Template:
    """One distinct primitive. The first twelve fields are those of Table 1."""

    driver: str
    configuration: str
    direction: str
    post_ops: str
    algorithm: str
    batch: str
    input: str
    output: str
    stride: str
    kernel: str
    padding: str
    channel: str
    layout: str
    calls: int
    time_ms: float
    command: str
    """A command line for a shell, in performance mode; empty if benchdnn does not run this kind of primitive."""
    note: str
    """What the command leaves out."""


FIELDS: tuple[str, ...] = tuple(Template.__dataclass_fields__)


def templates(log: PrimitiveLog) -> tuple[Template, ...]:
    """The templates of all primitives that ran, longest time first; one per problem, whatever the implementations.

    Of a log without executions, those that were created.
    """
    found: dict[object, Template] = {}
    for use in log.uses:
        if not use.execution.count and log.calls:
            continue
        one = _template(use.primitive, use.execution.count, use.execution.total_ms)
        key = one.command or use.primitive
        known = found.get(key)
        if known is not None:
            one = replace(known, calls=known.calls + one.calls, time_ms=known.time_ms + one.time_ms)
        found[key] = one
    return tuple(found.values())


def command_lines(log: PrimitiveLog) -> tuple[str, ...]:
    """A shell script: one problem per line, below its number of calls and what the command leaves out."""
    return tuple(
        line
        for one in templates(log)
        for line in (f"# {one.calls} calls, {one.time_ms:.6g} ms", f"# {one.note}" if one.note else "", one.command)
        if line
    )


def _template(primitive: Primitive, calls: int, time_ms: float) -> Template:
    named = sizes(primitive.problem)
    shapes = ["x".join(map(str, shape)) for shape in dimensions(primitive.problem)]
    arguments = benchdnn_arguments(primitive, "--mode=P")
    algorithm = auxiliary(primitive).get("alg", "")
    return Template(
        driver=driver(primitive) or primitive.name,
        configuration=configuration(primitive),
        direction=primitive.direction,
        post_ops=_attribute(primitive, "post-ops"),
        algorithm=algorithm.partition("_")[2].upper()
        if primitive.name in ("convolution", "deconvolution")
        else algorithm,
        batch=_named(named, "mb"),
        input=_named(named, "id", "ih", "iw", "slc", "sic") or ":".join(shapes[:2]),
        output=_named(named, "od", "oh", "ow", "dhc", "dic"),
        stride=_named(named, "sd", "sh", "sw"),
        kernel=_named(named, "kd", "kh", "kw"),
        padding=_named(named, "pd", "ph", "pw"),
        channel=_named(named, "g", "ic", "oc"),
        layout=":".join(_layouts(primitive)),
        calls=calls,
        time_ms=time_ms,
        command=shlex.join([PROGRAM, *arguments]) if arguments is not None else "",
        note=_note(primitive, arguments is not None),
    )


def _note(primitive: Primitive, runs: bool) -> str:
    if not runs:
        return f"{PROGRAM} does not run {primitive.name} {primitive.problem}"
    lost = " ".join(lost_in_benchdnn(primitive))
    return f"{PROGRAM} has no option for {lost}" if lost else ""


def _layouts(primitive: Primitive) -> list[str]:
    """The layouts that the log names, per tensor; if it names none, the plain layouts of the problem."""
    named = [tensor.layout for tensor in primitive.tensors]
    if named:
        return named
    problem = sizes(primitive.problem)
    ranks = [len(shape) for shape in dimensions(primitive.problem)] or [2 + sum(f"i{one}" in problem for one in "dhw")]
    return [PLAIN_LAYOUTS[min(rank, len(PLAIN_LAYOUTS) - 1)] for rank in ranks]


def _attribute(primitive: Primitive, name: str) -> str:
    words = (word.removeprefix("attr-").partition(":") for word in primitive.attributes.split())
    return next((value for key, _, value in words if key == name), "")


def _named(problem: Mapping[str, int], *names: str) -> str:
    return "".join(f"{name}{problem[name]}" for name in names if name in problem)
