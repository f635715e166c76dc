"""Keeps torch.compile away from the agent's own functions.

Below a compiled optimizer or training step, Dynamo would look at every frame of ours and compile what it can. The
mark that ``torch._dynamo.disable`` sets on a code object is set here on all of ours, without importing Dynamo.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any, Callable


def skip_our_code(torch: Any, package: str) -> None:
    """Mark all functions of the modules below `package`; without effect on a torch that lacks the mark."""
    compiled = getattr(getattr(torch._C, "_dynamo", None), "eval_frame", None)
    for name, module in list(sys.modules.items()):
        if name.startswith(package) and isinstance(module, ModuleType):
            for code, inner in _codes_of(module):
                # Inner functions stand in the place of torch's: what they call is Dynamo's business as before.
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
    """A function that tells whether the program runs inside of what it has compiled; nothing is false."""
    compiled = getattr(getattr(torch._C, "_dynamo", None), "eval_frame", None)
    return getattr(compiled, "get_eval_frame_callback", lambda: None)


def is_compiled(model: Any) -> bool:
    """Whether the program has compiled a module by itself."""
    return hasattr(model, "_orig_mod") or getattr(model, "_compiled_call_impl", None) is not None


def graphs() -> int:
    """How many graphs have been compiled in this process."""
    utils = sys.modules.get("torch._dynamo.utils")
    return int(utils.counters["stats"].get("unique_graphs", 0)) if utils is not None else 0
