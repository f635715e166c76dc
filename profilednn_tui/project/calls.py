"""The torch call that makes oneDNN run a primitive again: same problem, data types and layouts.

torch reorders plain tensors for oneDNN by itself, so a call includes its reorders: those need no call of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from profilednn_tui.onednn.problem import dimensions, sizes
from profilednn_tui.onednn.records import Primitive

Call = dict[str, Any]
"""A call for ``target_scripts/run_primitives.py``, as plain values."""

_TORCH_TYPES = {"f32": "float32", "bf16": "bfloat16", "f16": "float16", "f64": "float64"}
_CHANNELS_LAST = frozenset({"acdb", "acdeb", "nhwc", "ndhwc"})


def calls_of(primitives: Iterable[Primitive]) -> list[Call]:
    """The distinct calls for the primitives, without those that torch cannot run."""
    distinct: dict[str, Call] = {}
    for primitive in primitives:
        make = _MAKERS.get(primitive.name)
        call = make(primitive) if make is not None else None
        for one in _with_plain_layout(call) if call is not None else ():
            distinct[repr(sorted(one.items()))] = one
    return list(distinct.values())


def _with_plain_layout(call: Call) -> tuple[Call, ...]:
    """oneDNN may choose channels last for tensors in another layout, so both layouts are requested."""
    return (call, {**call, "channels_last": False}) if call.get("channels_last") else (call,)


def _convolution(primitive: Primitive) -> Call | None:
    size = sizes(primitive.problem)
    space = [axis for axis in "dhw" if f"i{axis}" in size]
    dtype = _dtype(primitive)
    if not space or dtype is None or "ic" not in size or "oc" not in size:
        return None
    groups = size.get("g", 1)
    batch = size.get("mb", 1)
    return {
        "kind": "convolution",
        "pass": primitive.direction,
        "input": [batch, size["ic"], *(size[f"i{axis}"] for axis in space)],
        "weight": [size["oc"], size["ic"] // groups, *(size.get(f"k{axis}", 1) for axis in space)],
        "output": [batch, size["oc"], *(size[f"o{axis}"] for axis in space)],
        "stride": [size.get(f"s{axis}", 1) for axis in space],
        "padding": [size.get(f"p{axis}", 0) for axis in space],
        "dilation": [size.get(f"d{axis}", 0) + 1 for axis in space],
        "groups": groups,
        "bias": _has_bias(primitive),
        "dtype": dtype,
        "channels_last": any(tensor.layout in _CHANNELS_LAST for tensor in primitive.tensors if tensor.role != "wei"),
    }


def _matmul(primitive: Primitive) -> Call | None:
    shapes = dimensions(primitive.problem)
    dtype = _dtype(primitive)
    if len(shapes) != 2 or dtype is None or not 2 <= len(shapes[0]) <= 3:
        return None
    layouts = {tensor.role: tensor.layout for tensor in primitive.tensors}
    return {
        "kind": "matmul",
        "left": list(shapes[0]),
        "right": list(shapes[1]),
        "left_transposed": layouts.get("src", "ab") in ("ba", "acb"),
        "right_transposed": layouts.get("wei", "ab") in ("ba", "acb"),
        "bias": _has_bias(primitive),
        "sum": "post-ops:sum" in primitive.attributes,
        "dtype": dtype,
    }


def _inner_product(primitive: Primitive) -> Call | None:
    size = sizes(primitive.problem)
    dtype = _dtype(primitive)
    if dtype is None or not {"mb", "ic", "oc"}.issubset(size) or "iw" in size:
        return None
    return {
        "kind": "linear",
        "pass": primitive.direction,
        "batch": size["mb"],
        "inputs": size["ic"],
        "outputs": size["oc"],
        "bias": _has_bias(primitive),
        "dtype": dtype,
    }


def _rnn(primitive: Primitive) -> Call | None:
    size = sizes(primitive.problem)
    dtype = _dtype(primitive)
    kind = next((kind for kind in ("lstm", "gru") if f"alg:vanilla_{kind}" in primitive.auxiliary), None)
    if kind != "lstm" or dtype is None or not {"t", "mb", "slc", "dhc"}.issubset(size):
        return None
    return {
        "kind": "lstm",
        "training": primitive.direction != "FWD_I",
        "steps": size["t"],
        "batch": size["mb"],
        "inputs": size["slc"],
        "hidden": size["dhc"],
        "dtype": dtype,
    }


_MAKERS: Mapping[str, Callable[[Primitive], Call | None]] = MappingProxyType(
    {"convolution": _convolution, "matmul": _matmul, "inner_product": _inner_product, "rnn": _rnn}
)


def _dtype(primitive: Primitive) -> str | None:
    """torch's name of the data type; logs without types mean float32."""
    named = [tensor.data_type for tensor in primitive.tensors if tensor.role.startswith("src")]
    return _TORCH_TYPES.get((named[0] if named else "") or "f32")


def _has_bias(primitive: Primitive) -> bool:
    return any(tensor.role in ("bia", "diff_bia") for tensor in primitive.tensors)
