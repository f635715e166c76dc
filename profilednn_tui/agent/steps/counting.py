"""How many iterations a running loop has, and which one it is: only reads what the program has stored."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from types import FrameType
from typing import Any, Callable, NamedTuple

from ..isolation.frame_variables import UNKNOWN, attribute, variable
from .loops import Loop, called, is_range

MOST_ITERATIONS = 2**40
"""Where there are more, something else ends the loop."""
MOST_ITEMS = 10_000
"""Items of a list that are searched for the current one."""

_ARITHMETIC: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: int.__add__,
    ast.Sub: int.__sub__,
    ast.Mult: int.__mul__,
    ast.FloorDiv: int.__floordiv__,
}


class Count(NamedTuple):
    """The iterations of a loop."""

    total: int
    now: int
    """The current one, from 0; -1 if unknown."""


def count_of(frame: FrameType, loop: Loop) -> Count | None:
    """The iterations of a loop of a running frame; None if they are unknown."""
    items = loop.items
    if items is None:
        return None
    found = _range(frame, items) if is_range(items) else items_of(frame, loop)
    if type(found) not in (range, list, tuple) or len(found) >= MOST_ITERATIONS:
        return None
    now = variable(frame, loop.variable) if loop.variable else UNKNOWN
    return Count(len(found), now if loop.numbered and type(now) is int else _place(now, found))


def items_of(frame: FrameType, loop: Loop) -> Any:
    """What a loop runs over, below a progress bar; `UNKNOWN` if that cannot be read."""
    found = UNKNOWN if loop.items is None else _value(frame, loop.items)
    return attribute(found, "iterable") if type(found).__name__.startswith("tqdm") else found


def _range(frame: FrameType, call: Any) -> Any:
    bounds = [_whole(frame, bound) for bound in call.args]
    known = [bound for bound in bounds if bound is not None]
    return range(*known) if 0 < len(known) == len(bounds) <= 3 else UNKNOWN


def _place(item: Any, items: Sequence[Any]) -> int:
    """Where the current item is; -1 if that is not certain."""
    if isinstance(items, range):
        return items.index(item) if type(item) is int and item in items else -1
    same = [place for place, one in enumerate(items[:MOST_ITEMS]) if one is item or _are_equal(one, item)]
    return same[0] if len(same) == 1 else -1


def _are_equal(one: Any, other: Any) -> bool:
    """Whether two values of the same simple type are equal; others might run code of the program."""
    return type(one) is type(other) and type(one) in (int, str, float) and bool(one == other)


def _value(frame: FrameType, node: ast.expr) -> Any:
    """What a name, an attribute, an item or a constant stands for; `UNKNOWN` if only running code would tell."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name):
        return variable(frame, node.id)
    if isinstance(node, ast.Attribute):
        return attribute(_value(frame, node.value), node.attr)
    if isinstance(node, (ast.Tuple, ast.List)):
        values = [_value(frame, item) for item in node.elts]
        return UNKNOWN if any(value is UNKNOWN for value in values) else values
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        owner, key = _value(frame, node.value), node.slice.value
        if type(owner) is dict:
            return owner.get(key, UNKNOWN)
        if type(owner) in (list, tuple) and type(key) is int and -len(owner) <= key < len(owner):
            return owner[key]
    return UNKNOWN


def _whole(frame: FrameType, node: ast.expr) -> int | None:
    """A whole number, or a sum, difference, product or quotient of some."""
    if isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
        left, right = _whole(frame, node.left), _whole(frame, node.right)
        return None if left is None or right is None else _ARITHMETIC[type(node.op)](left, right)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        operand = _whole(frame, node.operand)
        return None if operand is None else -operand
    if isinstance(node, ast.Call) and len(node.args) == 1 and called(node) == "int":
        return _whole(frame, node.args[0])
    if isinstance(node, ast.Call) and len(node.args) == 1 and called(node) == "len":
        sized = _value(frame, node.args[0])
        return len(sized) if type(sized) in (list, tuple, range, dict) else None
    value = _value(frame, node)
    return value if type(value) is int else None
