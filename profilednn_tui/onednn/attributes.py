"""A primitive's attributes as benchdnn's options: post-operations, scales, zero points and modes, of all versions.

oscale:2;post_ops:'sum;eltwise_relu;';                       1.x to 2.2
attr-oscale:2 attr-post-ops:sum+eltwise_relu                 2.3 to 2.7
attr-scales:src0:0:f32+wei:2:f32 attr-post-ops:eltwise_relu  3.x
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

_ATTRIBUTE = re.compile(r"(?:attr-)?([a-z][a-z_-]*)(?::('[^']*'|[^\s;]*))?")
_OLD_NAMES = {"scratchpad-mode": "scratchpad", "acc": "acc-mode"}
_GROUPS = re.compile(r"\d+x\d+")
_VALUE = re.compile(r"[-+]?[\d.][\d.e+-]*\*?|\*")
_POLICIES = {"dynamic_mx": "mx", "dynamic_fp": "dynamic_fp"}

# The logs do not hold the values of these.
_SCALE, _ZERO_POINT = "0.5", "1"
_DROPOUT_PROBABILITY, _DROPOUT_SEED, _DROPOUT_OFFSET = "0.5", "12345", "987654321"


@dataclass(frozen=True, slots=True)
class AttributeOptions:
    """What benchdnn gets, and what it cannot get."""

    options: tuple[str, ...]
    lost: tuple[str, ...]
    """Attributes that benchdnn has no option for, as in the log."""


def attribute_options(attributes: str) -> AttributeOptions:
    """benchdnn's options for the attributes of a primitive, in the order in which benchdnn prints them."""
    values: dict[str, str] = {}
    lost = []
    for match in _ATTRIBUTE.finditer(attributes):
        name = match[1].replace("_", "-")
        name = _OLD_NAMES.get(name, name)
        if name in _OPTIONS:
            values[name] = (match[2] or "").strip("'")
        else:
            lost.append(match[0])
    options = tuple(f"--attr-{name}={write(values[name])}" for name, write in _OPTIONS.items() if name in values)
    return AttributeOptions(options, tuple(lost))


def _post_ops(text: str) -> str:
    return "+".join(map(_post_op, filter(None, re.split(r"[;+](?!\d)", text))))


def _post_op(text: str) -> str:
    name, *values = re.sub(r"^dw_", "dw:", text).split(":")
    match name:
        case "sum":
            return _joined(name, _numbers(values[:1]) + values[1:3], ("1.0", "0", ""))
        case "dw":
            return ":".join((name, *(values if len(values) > 1 else (*values, "f32"))[:2]))
        case "prelu":
            return _joined(name, values[:1], ("0",))
        case "binary_select":
            return f"{name}:{'.'.join(values[: 2 if values[2:3] in ([], ['any']) else 3])}:0"
    if name.startswith("eltwise_"):
        return _joined(name, _numbers(values), ("0.0", "0.0", "1.0"))
    if name.startswith("binary_"):
        kept = values[:4] if len(values) > 3 else [value for value in values if value != "any"]
        return ":".join((name, *(kept if len(kept) > 1 else (*kept, "0"))))
    return text


def _joined(name: str, values: list[str], defaults: tuple[str, ...]) -> str:
    """The values up to the last one that is not the default."""
    differs = [value != default for value, default in zip(values, defaults, strict=False)]
    return ":".join((name, *values[: len(differs) - differs[::-1].index(True) if any(differs) else 0]))


def _numbers(values: list[str]) -> list[str]:
    try:
        return [str(float(value)) for value in values]
    except ValueError:
        return values


def _scales(text: str) -> str:
    return _arguments(text, _SCALE, "f32")


def _zero_points(text: str) -> str:
    return _arguments(text, _ZERO_POINT, "s32")


def _arguments(text: str, value: str, data_type: str) -> str:
    """``src0:0:f32+wei:2:f32:1x32`` as ``src0:0:0.5+wei:2:f32:1x32``: one value needs a number, several are drawn."""
    words = []
    for one in re.split(r"\+|_(?=(?:src|wei|dst)\d*:)", text):
        argument, mask, *rest = [*one.split(":"), ""][: one.count(":") + 1 or 1] if ":" in one else [one, "0"]
        found = "" if not rest or _VALUE.fullmatch(rest[0]) else rest[0]
        groups = next((word for word in rest[1:] if _GROUPS.fullmatch(word)), "")
        policy = next((_POLICIES[word] for word in rest if word in _POLICIES), "")
        policy = policy or ("host_scalar" if "host_scalar" in rest[1:] else "")
        parts = [argument, policy or mask]
        if mask == "0" or policy == "host_scalar":
            parts.append(value)
        if groups or found not in ("", data_type):
            parts.append(found or data_type)
        words.append(":".join(filter(None, (*parts, groups))))
    return "+".join(words)


def _dropout(text: str) -> str:
    tag, _, rest = text.partition(":")
    words = [_DROPOUT_PROBABILITY, _DROPOUT_SEED]
    if tag:
        flags = rest.split(":")  # [type of the seed, offset, scalars on the host]
        words += [tag, _DROPOUT_OFFSET if flags[1:2] == ["1"] else "0", *(["1"] if flags[2:3] == ["1"] else [])]
    return ":".join(words)


def _rounding(text: str) -> str:
    return text.lower()


_OPTIONS: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {
        "post-ops": _post_ops,
        "scales": _scales,
        "zero-points": _zero_points,
        "precomputed-reductions": _zero_points,
        "scratchpad": str,
        "fpmath": str,
        "acc-mode": str,
        "rounding-mode": _rounding,
        "dropout": _dropout,
        "deterministic": str,
    }
)
