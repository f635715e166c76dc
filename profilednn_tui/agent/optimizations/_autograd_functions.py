"""Determines whether a module is called inside an autograd function.

Gradients are off by design in the forward pass of an autograd function, as in reentrant checkpointing and adjoint
methods; the modules called there take part in training all the same.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import CodeType, FrameType
from typing import Any

SEEN_FRAMES = 40
"""Number of stack frames to search."""
NAME = "forward"


class AutogradFunctions:
    """Recognizes the forward passes of the program's autograd functions by their code."""

    def __init__(self, torch: Any) -> None:
        self._base = torch.autograd.Function
        self._known: dict[int, tuple[CodeType, bool]] = {}
        """By the code's id, which is valid because we keep a reference to the code: hashing code is slow."""

    def inside(self) -> bool:
        """Whether such a forward pass is on the stack."""
        frame: FrameType | None = sys._getframe(1)
        for _ in range(SEEN_FRAMES):
            if frame is None:
                return False
            if frame.f_code.co_name == NAME and self._is_function(frame.f_code):
                return True
            frame = frame.f_back
        return False

    def _is_function(self, code: CodeType) -> bool:
        known = self._known.get(id(code))
        if known is None:
            known = self._known[id(code)] = (code, any(one is code for one in _codes(self._base)))
        return known[1]


def _codes(base: Any) -> Iterator[CodeType]:
    """The code of the forward method of every subclass of `base`, decorated or not."""
    for kind in base.__subclasses__():
        method = kind.__dict__.get(NAME)
        function = getattr(method, "__func__", method)
        while function is not None:
            code = getattr(function, "__code__", None)
            if isinstance(code, CodeType):
                yield code
            function = getattr(function, "__wrapped__", None)
        yield from _codes(kind)
