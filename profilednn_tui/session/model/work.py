"""The work of operators: of matrix products from their input shapes, of others from the oneDNN primitives in them.

The formulas are those of `torch.utils.flop_counter`. Operators that only call others have no formula of their own.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

import msgspec

from profilednn_tui.onednn.work import Work, work_of
from profilednn_tui.session.storage.folder import UNREADABLE
from profilednn_tui.session.view import Operator, OperatorKey, Primitives

_PRODUCTS = {"aten::mm": 0, "aten::bmm": 0, "aten::addmm": 1, "aten::baddbmm": 1}
"""Index of the first of the two factors among the inputs."""

_COMPUTING = ("conv", "mm", "matmul", "linear", "lstm", "gru", "rnn", "attention", "einsum", "dot")
"""Parts of the names of operators that spend their time on arithmetic."""

_ITEM_BYTES = {"double": 8, "float64": 8, "float": 4, "float32": 4, "bfloat16": 2, "c10::bfloat16": 2, "float16": 2}


def work_per_step(operator: Operator, primitives: Primitives) -> Work | None:
    """The work of an operator per step; None if unknown."""
    product = _product(operator.key)
    if product is not None:
        return Work(product.flops * operator.calls_per_step, product.bytes * operator.calls_per_step)
    inside = primitives.by_operator.get(operator.key)
    if inside is None or not inside.calls:
        return None
    flops = moved = 0.0
    for use in inside.uses:
        work = work_of(use.primitive)
        if work is None:
            return None
        flops += work.flops * use.execution.count
        moved += work.bytes * use.execution.count
    return Work(flops / len(primitives.windows), moved / len(primitives.windows))


def _product(key: OperatorKey) -> Work | None:
    """The work of one call of a matrix product; None for other operators."""
    first = _PRODUCTS.get(key.name)
    if first is None:
        return None
    try:
        shapes = msgspec.json.decode(key.input_shapes, type=list[list[int]])
        left, right = shapes[first], shapes[first + 1]
        result = prod(left[:-1]) * right[-1]
        item_bytes = _ITEM_BYTES.get(key.dtypes.lower(), 4)
        return Work(2.0 * prod(left) * right[-1], item_bytes * float(prod(left) + prod(right) + result))
    except (*UNREADABLE, IndexError, OverflowError):
        return None


def is_computing(key: OperatorKey) -> bool:
    """Whether an operator spends its time on arithmetic with matrices or images."""
    name = key.name.partition("::")[2]
    return key.name.startswith("aten::") and any(part in name for part in _COMPUTING)


def covered_share(operators: Iterable[Operator], primitives: Primitives) -> float | None:
    """The part of the self time of computing operators whose work is known; None if there are none."""
    rows = [row for row in operators if is_computing(row.key)]
    whole_ns = sum(row.self_ns_per_step for row in rows)
    known_ns = sum(row.self_ns_per_step for row in rows if work_per_step(row, primitives) is not None)
    return known_ns / whole_ns if whole_ns else None
