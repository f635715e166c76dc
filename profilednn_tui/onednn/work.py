"""Floating-point operations and bytes of a primitive, from its problem and its memory descriptors.

Operations follow `torch.utils.flop_counter`: a multiplication with its addition counts as two, and each gradient of a
convolution or matrix product has as many as the forward pass. Bytes count every tensor once: the least to be moved.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from math import prod

from profilednn_tui.onednn.problem import dimensions, sizes
from profilednn_tui.onednn.records import Primitive, PrimitiveUse

_RECURRENT_GATES = {"vanilla_rnn": 1, "vanilla_gru": 3, "lbr_gru": 3, "vanilla_lstm": 4}


@dataclass(frozen=True, slots=True)
class Work:
    """The work of one call, or of several together."""

    flops: float
    bytes: float

    @property
    def intensity(self) -> float | None:
        """FLOP per byte; None if no bytes are moved."""
        return self.flops / self.bytes if self.bytes else None


@lru_cache(maxsize=8192)
def work_of(primitive: Primitive) -> Work | None:
    """The work of one call; None if the log does not say enough."""
    flops = flops_of(primitive)
    moved = bytes_of(primitive)
    return None if flops is None or moved is None else Work(flops, moved)


def work_of_uses(uses: Iterable[PrimitiveUse]) -> tuple[Work, float]:
    """The work of all executions for which it is known, and their time in milliseconds."""
    flops = moved = time_ms = 0.0
    for use in uses:
        work = work_of(use.primitive)
        if work is not None:
            flops += work.flops * use.execution.count
            moved += work.bytes * use.execution.count
            time_ms += use.execution.total_ms
    return Work(flops, moved), time_ms


def flops_of(primitive: Primitive) -> float | None:
    """Floating-point operations of one call; 0 for mere data movement, None if unknown."""
    named, shapes = sizes(primitive.problem), dimensions(primitive.problem)
    match primitive.name:
        case "convolution" | "deconvolution" if {"ic", "oc"}.issubset(named):
            space = prod(named[f"o{axis}"] for axis in "dhw" if f"o{axis}" in named)
            if primitive.name == "deconvolution":
                space = prod(named[f"i{axis}"] for axis in "dhw" if f"i{axis}" in named)
            kernel = prod(named.get(f"k{axis}", 1) for axis in "dhw")
            return 2.0 * named.get("mb", 1) * named["oc"] * named["ic"] // named.get("g", 1) * space * kernel
        case "inner_product" if {"mb", "ic", "oc"}.issubset(named):
            return 2.0 * named["mb"] * named["ic"] * named["oc"] * prod(named.get(f"i{axis}", 1) for axis in "dhw")
        case "matmul" if len(shapes) >= 2 and len(shapes[0]) >= 2 and len(shapes[1]) >= 2:
            stack = [max(pair) for pair in zip(shapes[0][:-2], shapes[1][:-2], strict=False)]
            return 2.0 * prod(stack) * shapes[0][-2] * shapes[0][-1] * shapes[1][-1]
        case "rnn" if {"t", "mb", "slc", "sic", "dhc"}.issubset(named):
            kind = next((gates for name, gates in _RECURRENT_GATES.items() if name in primitive.auxiliary), None)
            if kind is None:
                return None
            passes = 2 if primitive.direction.startswith("BWD") else 1
            steps = named.get("l", 1) * named["t"]
            return 2.0 * passes * steps * named["mb"] * kind * named["dhc"] * (named["slc"] + named["sic"])
        case "reorder":
            return 0.0
    return None


def bytes_of(primitive: Primitive) -> float | None:
    """Bytes of those tensors of one call whose size is known; None if there are none or a data type is unknown."""
    total = 0.0
    for tensor in primitive.tensors:
        elements = _elements(primitive, tensor.role)
        if elements is None:
            continue
        if tensor.item_bytes is None:
            return None
        total += elements * tensor.item_bytes
    return total or None


def _elements(primitive: Primitive, role: str) -> int | None:
    named, shapes = sizes(primitive.problem), dimensions(primitive.problem)
    role = role.removeprefix("diff_")
    if shapes:
        if primitive.name == "matmul" and len(shapes) == 2:
            stack = [max(pair) for pair in zip(shapes[0][:-2], shapes[1][:-2], strict=False)]
            output = (*stack, shapes[0][-2], shapes[1][-1])
            return {"src": prod(shapes[0]), "wei": prod(shapes[1]), "dst": prod(output)}.get(role)
        return prod(shapes[0]) if role in ("src", "dst", "data") else None
    batch = named.get("mb", 1)
    inputs, outputs = (prod(named.get(f"{side}{axis}", 1) for axis in "dhw") for side in "io")
    if "ic" in named and "oc" in named:
        kernel = prod(named.get(f"k{axis}", named.get(f"i{axis}", 1) if "kw" not in named else 1) for axis in "dhw")
        return {
            "src": batch * named["ic"] * inputs,
            "wei": named["oc"] * named["ic"] // named.get("g", 1) * kernel,
            "bia": named["oc"],
            "dst": batch * named["oc"] * outputs,
        }.get(role)
    if "ic" in named:
        return {"src": batch * named["ic"] * inputs, "dst": batch * named["ic"] * inputs}.get(role)
    if "dhc" in named:
        steps, hidden = named.get("t", 1), named["dhc"]
        gates = next((count for name, count in _RECURRENT_GATES.items() if name in primitive.auxiliary), 4)
        return {
            "src_layer": steps * batch * named.get("slc", 0),
            "dst_layer": steps * batch * hidden,
            "wei_layer": gates * hidden * named.get("slc", 0),
            "wei_iter": gates * hidden * named.get("sic", 0),
        }.get(role)
    return None
