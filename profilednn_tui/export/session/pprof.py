"""The profile format of pprof, https://github.com/google/pprof/blob/main/proto/profile.proto, compressed by gzip.

Only varints and messages are needed of protocol buffers; a location is a place of the flame tree, without an address.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator

from profilednn_tui.flame.tree import Kind, Label, Path, Shape, Weight, flame_tree
from profilednn_tui.session.view import SessionView

VALUES = (
    ("self", "nanoseconds", Weight.SELF),
    ("calls", "count", Weight.CALLS),
    ("moved", "bytes", Weight.BYTES),
)
"""Type, unit and weight of the values of a sample, per step; pprof shows the last one unless told otherwise."""
_DEFAULT = "self"
CALL_SCALE = 1_000
"""Values are integers, and an operator may be called in one step of many."""


def pprof_bytes(view: SessionView) -> bytes:
    """The whole profile; calls are those of `CALL_SCALE` steps."""
    strings: dict[str, int] = {"": 0}
    locations: dict[Label, int] = {}
    samples: dict[Path, list[int]] = {}
    for column, (_, _, weight) in enumerate(VALUES):
        scale = CALL_SCALE if weight is Weight.CALLS else 1
        tree = flame_tree(view.operators, view.primitives, Shape(weight, libraries=True))
        for path, node in tree.walk():
            if node.own:
                samples.setdefault(path, [0] * len(VALUES))[column] = round(scale * node.own)
    parts = [_bytes(1, _value_type(kind, unit, strings)) for kind, unit, _ in VALUES]
    for path, values in samples.items():
        numbers = [locations.setdefault(label, len(locations) + 1) for label in reversed(path)]
        parts.append(_bytes(2, _packed(1, numbers) + _packed(2, values)))
    for label, number in locations.items():
        line = _varint(1, number) + _varint(2, label.line)
        parts.append(_bytes(4, _varint(1, number) + _bytes(4, line)))
    for label, number in locations.items():
        name, file = (strings.setdefault(text, len(strings)) for text in (_name(label), label.file))
        parts.append(_bytes(5, _varint(1, number) + _varint(2, name) + _varint(3, name) + _varint(4, file)))
    comment = f"one step of {view.target.name}; calls are those of {CALL_SCALE:,} steps"
    comments = [strings.setdefault(comment, len(strings))]
    default = strings[_DEFAULT]
    tail = _varint(9, view.operators.end_unix_ns) + _packed(13, comments) + _varint(14, default)
    table = (_bytes(6, text.encode("utf-8", "replace")) for text in strings)
    return gzip.compress(b"".join((*parts, *table, tail)), mtime=0)


def _name(label: Label) -> str:
    return f"module {label.text}" if label.kind is Kind.MODULE else label.text


def _value_type(kind: str, unit: str, strings: dict[str, int]) -> bytes:
    return b"".join(_varint(field, strings.setdefault(text, len(strings))) for field, text in ((1, kind), (2, unit)))


def _encoded(value: int) -> Iterator[int]:
    """A varint: seven bits a byte, the least significant ones first."""
    while value > 0x7F:
        yield value & 0x7F | 0x80
        value >>= 7
    yield value


def _varint(field: int, value: int) -> bytes:
    return bytes((*_encoded(field << 3), *_encoded(value))) if value else b""


def _bytes(field: int, data: bytes) -> bytes:
    """A text, a message, or packed numbers."""
    return bytes((*_encoded(field << 3 | 2), *_encoded(len(data)))) + data


def _packed(field: int, values: Iterable[int]) -> bytes:
    return _bytes(field, bytes(byte for value in values for byte in _encoded(value)))
