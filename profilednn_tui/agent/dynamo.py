"""Keeps torch.compile away from the agent's own functions.

Below a compiled optimizer or training step, Dynamo would look at every frame of ours and compile what it can. The
mark that ``torch._dynamo.disable`` sets on a code object is set here on all of ours, without importing Dynamo.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any

WRAPPERS = "hooks"
"""The module whose inner functions call the program's code: what they call is Dynamo's business as before."""


def skip_our_code(torch: Any, package: str) -> None:
    """Mark all functions of the modules below `package`; without effect on a torch that lacks the mark."""
    compiled = getattr(getattr(torch._C, "_dynamo", None), "eval_frame", None)
    for name, module in list(sys.modules.items()):
        if name.startswith(package) and isinstance(module, ModuleType):
            for code, inner in _codes_of(module):
                _skip(compiled, code, below_too=not (inner and name.endswith("." + WRAPPERS)))


def _skip(compiled: Any, code: CodeType, below_too: bool) -> None:
    if hasattr(compiled, "set_code_exec_strategy"):  # torch 2.8 and newer
        action = compiled._FrameAction
        below = action.SKIP if below_too else action.DEFAULT
        compiled.set_code_exec_strategy(code, compiled._FrameExecStrategy(action.SKIP, below))
    elif hasattr(compiled, "skip_code"):
        compiled.skip_code(code)


def _codes_of(module: ModuleType) -> Iterator[tuple[CodeType, bool]]:
    owners = [module, *(item for item in vars(module).values() if isinstance(item, type))]
    for owner in owners:
        for item in list(vars(owner).values()):
            function = item.fget if isinstance(item, property) else item
            if isinstance(function, FunctionType) and function.__module__ == module.__name__:
                yield from _with_inner(function.__code__, inner=False)


def _with_inner(code: CodeType, inner: bool) -> Iterator[tuple[CodeType, bool]]:
    yield code, inner
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _with_inner(constant, inner=True)
