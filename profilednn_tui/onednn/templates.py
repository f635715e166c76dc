"""Distinct primitives as parameters to run again: the twelve fields of the paper's Table 1, and benchdnn's arguments.

The log's layout takes precedence; if the log has none, benchdnn's plain layout (nchw) is used. benchdnn runs one kind
of primitive per process, named first, so each problem is a command line of its own.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from profilednn_tui.onednn.breakdown import configuration
from profilednn_tui.onednn.problem import dimensions, sizes
from profilednn_tui.onednn.records import Primitive, PrimitiveLog

PROGRAM = "benchdnn"
DRIVERS: Mapping[str, str] = MappingProxyType(
    {
        "convolution": "conv",
        "deconvolution": "deconv",
        "inner_product": "ip",
        "batch_normalization": "bnorm",
        "layer_normalization": "lnorm",
        "group_normalization": "gnorm",
        "pooling": "pool",
        "shuffle": "shuffle",
    }
)
"""benchdnn's names where they differ from oneDNN's."""

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
    """A command line for a shell, in performance mode."""


FIELDS: tuple[str, ...] = tuple(Template.__dataclass_fields__)


def templates(log: PrimitiveLog) -> tuple[Template, ...]:
    """The templates of all primitives that ran, longest time first; one per problem, whatever the implementations."""
    found: dict[str, Template] = {}
    for use in log.uses:
        if not use.execution.count:
            continue
        one = _template(use.primitive, use.execution.count, use.execution.total_ms)
        known = found.get(one.command)
        calls, time_ms = (known.calls, known.time_ms) if known is not None else (0, 0.0)
        found[one.command] = _template(use.primitive, one.calls + calls, one.time_ms + time_ms)
    return tuple(found.values())


def command_lines(log: PrimitiveLog) -> tuple[str, ...]:
    """A shell script: one problem per line, below its number of calls."""
    return tuple(line for one in templates(log) for line in (f"# {one.calls} calls, {one.time_ms:.6g} ms", one.command))


def _template(primitive: Primitive, calls: int, time_ms: float) -> Template:
    named = sizes(primitive.problem)
    shapes = ["x".join(map(str, shape)) for shape in dimensions(primitive.problem)]
    return Template(
        driver=_driver(primitive),
        configuration=configuration(primitive),
        direction=primitive.direction,
        post_ops=_attribute(primitive, "post-ops"),
        algorithm=_auxiliary(primitive).get("alg", "").partition("_")[2].upper()
        if primitive.name in ("convolution", "deconvolution")
        else _auxiliary(primitive).get("alg", ""),
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
        command=shlex.join([PROGRAM, *benchdnn_arguments(primitive, "--mode=P")]),
    )


def benchdnn_arguments(primitive: Primitive, *knobs: str) -> list[str]:
    """benchdnn's arguments for a primitive; `knobs` are the options of the run."""
    auxiliary = _auxiliary(primitive)
    own_knobs = _KNOBS.get(primitive.name, _unary)(primitive, auxiliary)
    attributes = [
        f"--{name}={value}"
        for name, _, value in (word.partition(":") for word in primitive.attributes.split())
        if name.startswith("attr-") and value
    ]
    # A log's layouts need not have a name in oneDNN's API.
    words = [f"--{_driver(primitive)}", *knobs, "--allow-enum-tags-only=false", *own_knobs, *attributes]
    return [*filter(None, words), primitive.problem]


def _convolution(primitive: Primitive, auxiliary: Mapping[str, str]) -> list[str]:
    algorithm = auxiliary.get("alg", "").partition("_")[2]
    return [*_weighted(primitive, auxiliary), f"--alg={algorithm}" if algorithm else ""]


def _weighted(primitive: Primitive, auxiliary: Mapping[str, str]) -> list[str]:
    with_bias = any(tensor.role in ("bia", "diff_bia") for tensor in primitive.tensors)
    direction = {"FWD_D": "FWD_B", "BWD_W": "BWD_WB"}.get(primitive.direction) if with_bias else None
    return [f"--dir={direction or primitive.direction}", *_types_and_tags(primitive, "src", "wei", "dst")]


def _matmul(primitive: Primitive, auxiliary: Mapping[str, str]) -> list[str]:
    words = _types_and_tags(primitive, "src", "wei", "dst")
    bias = next((tensor for tensor in primitive.tensors if tensor.role == "bia"), None)
    mask = re.search(r"bia:\S*_mask(\d+)", primitive.descriptors)
    if bias is not None:
        words += [f"--bia-dt={bias.data_type}", f"--bia_mask={mask.group(1)}" if mask else ""]
    return words


def _moved(primitive: Primitive, auxiliary: Mapping[str, str]) -> list[str]:
    """Primitives with any number of sources and one destination."""
    sources = [tensor for tensor in primitive.tensors if tensor.role.startswith("src")]
    target = [tensor for tensor in primitive.tensors if tensor.role == "dst"]
    algorithm = auxiliary.get("alg", "")
    if primitive.name != "softmax":  # the only one whose algorithms keep their full names
        algorithm = algorithm.partition("_")[2]
    return [
        f"--dir={primitive.direction}" if primitive.direction else "",
        f"--alg={algorithm}" if algorithm else "",
        f"--sdt={':'.join(tensor.data_type for tensor in sources)}" if sources else "",
        f"--ddt={target[0].data_type}" if target else "",
        f"--stag={':'.join(tensor.layout for tensor in sources)}" if sources else "",
        f"--dtag={target[0].layout}" if target else "",
        *(f"--{name}={auxiliary[name]}" for name in ("axis", "p", "eps") if name in auxiliary),
    ]


def _unary(primitive: Primitive, auxiliary: Mapping[str, str]) -> list[str]:
    """Primitives whose tensors share one layout."""
    algorithm = auxiliary.get("alg", "")
    algorithm = algorithm.partition("_")[2] or algorithm
    return [
        f"--dir={primitive.direction}" if primitive.direction else "",
        f"--dt={configuration(primitive)}" if configuration(primitive) else "",
        f"--tag={_layouts(primitive)[0]}",
        f"--alg={algorithm}" if algorithm else "",
        *(f"--{name}={auxiliary[name]}" for name in ("flags", "axis", "alpha", "beta", "group") if auxiliary.get(name)),
    ]


def _rnn(primitive: Primitive, auxiliary: Mapping[str, str]) -> list[str]:
    direction = auxiliary.get("direction", "").removeprefix("unidirectional_").removeprefix("bidirectional_")
    activation = auxiliary.get("activation", "").removeprefix("eltwise_")
    return [
        f"--prop={primitive.direction}",
        f"--cfg={configuration(primitive)}",
        f"--alg={auxiliary.get('alg', '').upper()}",
        f"--direction={direction}" if direction else "",
        f"--activation={activation.upper()}" if activation not in ("", "undef") else "",
        "--trivial-strides=true",
    ]


_KNOBS: Mapping[str, Callable[[Primitive, Mapping[str, str]], list[str]]] = MappingProxyType(
    {
        "convolution": _convolution,
        "deconvolution": _convolution,
        "inner_product": _weighted,
        "matmul": _matmul,
        "reorder": _moved,
        "sum": _moved,
        "concat": _moved,
        "binary": _moved,
        "softmax": _moved,
        "reduction": _moved,
        "rnn": _rnn,
    }
)


def _types_and_tags(primitive: Primitive, *roles: str) -> list[str]:
    tags = dict(zip((tensor.role for tensor in primitive.tensors), _layouts(primitive), strict=False))
    return [
        f"--dt={configuration(primitive)}" if configuration(primitive) else "",
        *(f"--{role[0]}tag={tags[role]}" for role in roles if role in tags),
    ]


def _layouts(primitive: Primitive) -> list[str]:
    """The layouts that the log names, per tensor; if it names none, the plain layouts of the problem."""
    named = [tensor.layout for tensor in primitive.tensors]
    if named:
        return named
    problem = sizes(primitive.problem)
    ranks = [len(shape) for shape in dimensions(primitive.problem)] or [2 + sum(f"i{one}" in problem for one in "dhw")]
    return [PLAIN_LAYOUTS[min(rank, len(PLAIN_LAYOUTS) - 1)] for rank in ranks]


def _driver(primitive: Primitive) -> str:
    return DRIVERS.get(primitive.name, primitive.name)


def _attribute(primitive: Primitive, name: str) -> str:
    words = (word.removeprefix("attr-").partition(":") for word in primitive.attributes.split())
    return next((value for key, _, value in words if key == name), "")


def _auxiliary(primitive: Primitive) -> dict[str, str]:
    """``alg:eltwise_relu alpha:0`` as a dictionary."""
    return {key: value for key, _, value in (word.partition(":") for word in primitive.auxiliary.split())}


def _named(problem: Mapping[str, int], *names: str) -> str:
    return "".join(f"{name}{problem[name]}" for name in names if name in problem)
