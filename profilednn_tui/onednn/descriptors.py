"""Memory descriptors of all versions of the log: the data type and layout of each tensor.

fsrc:nChw16c                       mkldnn_verbose: layout only
in:f32_nchw                        mkldnn_verbose, reorders
src_f32::blocked:aBcd16b:f0        dnnl_verbose, onednn_verbose 2.x
src_f32:a:blocked:aBcd16b::f0      onednn_verbose 3.x
src:f32:a:blocked:aBcd16b::f0      onednn_verbose,v1
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_TYPES = {
    "f64": 8.0,
    "f32": 4.0,
    "s32": 4.0,
    "bf16": 2.0,
    "f16": 2.0,
    "s8": 1.0,
    "u8": 1.0,
    "f8_e5m2": 1.0,
    "f8_e4m3": 1.0,
    "e8m0": 1.0,
    "f4_e2m1": 0.5,
    "f4_e3m0": 0.5,
    "s4": 0.5,
    "u4": 0.5,
    "boolean": 1.0,
}
_ABSENT = "undef"


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor of a primitive."""

    role: str
    """``src``, ``wei``, ``bia``, ``dst``, ``diff_src`` ..."""
    data_type: str
    """Empty if the log does not say."""
    layout: str
    """oneDNN's tag, ``abcd`` (also called nchw) or ``aBcd16b``; the kind of format if there is no tag."""
    chosen: bool = False
    """Whether the program left the layout to oneDNN (``any``)."""
    strides: str = ""
    """In elements, ``256x1``; empty for a dense tensor and in logs before 3.1."""
    flags: str = "f0"
    """``f0``; more for weights with compensation (``f1:s8m1``), and the mask of a matmul's bias (``f0_mask2``)."""
    group: tuple[int, int] | None = None
    """Of grouped memory: the dimension whose size varies, and the number of groups."""

    @property
    def item_bytes(self) -> float | None:
        """Size of an element in bytes; None if the data type is unknown."""
        return _TYPES.get(self.data_type)


@lru_cache(maxsize=4096)
def tensors(descriptors: str) -> tuple[Tensor, ...]:
    """The tensors in a descriptor field, without absent ones; empty if the text has another form."""
    found = (_tensor(word.split(":")) for word in descriptors.split())
    return tuple(tensor for tensor in found if tensor is not None)


def _tensor(parts: list[str]) -> Tensor | None:
    if len(parts) < 2:
        return None
    role, data_type = parts[0], parts[1]
    if data_type in _TYPES or data_type == _ABSENT:
        formats = parts[2:]
    elif len(parts) > 2:
        role, data_type = next(
            ((role[: -len(name) - 1], name) for name in (*_TYPES, _ABSENT) if role.endswith(f"_{name}")), (role, "")
        )
        formats = parts[1:]
    else:
        data_type, _, layout = parts[1].rpartition("_")
        known = data_type if data_type in _TYPES else ""
        role = {"in": "src", "out": "dst"}.get(role, role.removeprefix("f"))
        return None if layout == _ABSENT else Tensor(role, known, layout if known else parts[1])
    if data_type == _ABSENT:
        return None
    # [properties, kind of format, tag, strides, flags, ...]; some versions omit properties or strides
    kind = next((index for index, word in enumerate(formats) if word in _KINDS), None)
    if kind is None:
        return None
    tag, *others = formats[kind + 1 :] or [""]
    group = None
    if tag == "grouped" and len(others) > 2 and all(word.isdecimal() for word in others[:2]):
        group = int(others[0]), int(others[1])
        del others[:2]
    strides = others[0] if others and not _FLAGS.match(others[0]) else ""
    flags = ":".join(others[bool(others) and not _FLAGS.match(others[0]) :]).rstrip(":")
    return Tensor(role, data_type, tag or formats[kind], "a" in "".join(formats[:kind]), strides, flags or "f0", group)


_FLAGS = re.compile(r"f\d")
_KINDS = frozenset({"blocked", "any", "wino", "packed", "rnn_packed", "cublaslt_blocked", "sparse", "opaque", "undef"})
