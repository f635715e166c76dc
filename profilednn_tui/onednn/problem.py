"""Problem descriptions: the sizes behind ``mb32_ic64oc64_ih56oh56kh3...``, ``16x3x3x3`` or ``4x8x16:4x16x32``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

_SIZE = re.compile(r"([a-z]+)(\d+)")
_DIMENSIONS = re.compile(r"\d+(?:x\d+)*(?::\d+(?:x\d+)*)*")


@lru_cache(maxsize=4096)
def sizes(problem: str) -> Mapping[str, int]:
    """Named sizes, ``{"mb": 32, "ic": 64, ...}``; empty for a problem written as dimensions."""
    return MappingProxyType(
        {} if dimensions(problem) else {name: int(size) for name, size in _SIZE.findall(problem.split("_n")[0])}
    )


@lru_cache(maxsize=4096)
def dimensions(problem: str) -> tuple[tuple[int, ...], ...]:
    """The dimensions of each tensor, ``((4, 8, 16), (4, 16, 32))``; empty for a problem of named sizes."""
    if not _DIMENSIONS.fullmatch(problem):
        return ()
    return tuple(tuple(map(int, part.split("x"))) for part in problem.split(":"))


@lru_cache(maxsize=4096)
def compact(problem: str) -> str:
    """A convolution's problem in readable form, ``mb32 64→64 56x56 k3 s1 p1``; other problems unchanged."""
    named = sizes(problem)
    if not {"ic", "oc", "iw"}.issubset(named):
        return problem
    space = [axis for axis in "dhw" if f"i{axis}" in named]
    words = [f"mb{named.get('mb', 1)}", f"{named['ic']}→{named['oc']}", _joined(named, "i", space)]
    if "kw" in named:
        words.append(f"k{_joined(named, 'k', space, once=True)}")
    words += [f"{name}{_joined(named, name, space, once=True)}" for name in "sp" if f"{name}w" in named]
    if named.get("dw"):
        words.append(f"d{_joined(named, 'd', space, once=True)}")
    if named.get("g", 1) > 1:
        words.append(f"g{named['g']}")
    return " ".join(words)


def _joined(named: Mapping[str, int], prefix: str, space: list[str], once: bool = False) -> str:
    values = [str(named.get(f"{prefix}{axis}", named[f"{prefix}w"])) for axis in space]
    return values[0] if once and len(set(values)) == 1 else "x".join(values)
