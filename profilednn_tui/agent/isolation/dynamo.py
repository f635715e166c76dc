"""Keeps torch.compile from compiling the agent's own functions.

Below a compiled optimizer or training step, Dynamo would inspect all of our frames and compile what it can. This puts
the mark of ``torch._dynamo.disable`` on all of our code objects, without importing Dynamo.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any, Callable


def skip_our_code(torch: Any, package: str) -> None:
    """Mark all functions in the modules of `package`; no effect if this torch lacks the mark."""
    compiled = getattr(getattr(torch._C, "_dynamo", None), "eval_frame", None)
    for name, module in list(sys.modules.items()):
        if name.startswith(package) and isinstance(module, ModuleType):
            for code, inner in _codes_of(module):
                # Inner functions replace torch's: Dynamo must still see the functions they call.
                _skip(compiled, code, below_too=not inner)


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


def compiled_region(torch: Any) -> Callable[[], Any]:
    """A function that returns a true value while the program runs code that it has compiled."""
    compiled = getattr(getattr(torch._C, "_dynamo", None), "eval_frame", None)
    return getattr(compiled, "get_eval_frame_callback", lambda: None)


def is_compiled(model: Any) -> bool:
    """Whether the program itself has compiled a module."""
    return hasattr(model, "_orig_mod") or getattr(model, "_compiled_call_impl", None) is not None


def graphs() -> int:
    """The number of graphs compiled in this process so far."""
    utils = sys.modules.get("torch._dynamo.utils")
    return int(utils.counters["stats"].get("unique_graphs", 0)) if utils is not None else 0
