"""The tensors that the program's variables lead to.

They are not taken from the garbage collector's list of all objects: another thread may be freeing one of those, and
torch lets other threads run meanwhile (SIGSEGV was seen). What a variable or a container refers to is alive.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from time import perf_counter_ns
from types import BuiltinFunctionType, CodeType, FrameType, FunctionType, GeneratorType, ModuleType
from typing import Any

from ..isolation.frame_variables import UNKNOWN, variable
from ..isolation.guard import OUR_FOLDER

MOST_DEPTH = 8
"""Containers inside containers."""
MOST_FRAMES = 64
CHUNK = 256
"""Containers that are looked into before the clock is looked at."""
MOST_ITEMS = 100_000
"""Of a container that is looked into: the list of its contents takes memory, too."""
_LEADS_NOWHERE = (BuiltinFunctionType, CodeType, FrameType, FunctionType, GeneratorType, ModuleType, type)


def reachable_tensors(kinds: set[type], until_ns: int) -> tuple[list[Any], bool]:
    """Objects of exactly these classes that variables of the calling thread and of the main module lead to, and whether
    everything was looked into before the clock said `until_ns`. No code of the program runs."""
    found: dict[int, Any] = {}
    seen: set[int] = set()
    complete = True
    pending = list(_variables())
    for _ in range(MOST_DEPTH):
        containers = []
        for value in pending:
            if type(value) in kinds:
                found[id(value)] = value
            elif gc.is_tracked(value) and id(value) not in seen and not issubclass(type(value), _LEADS_NOWHERE):
                seen.add(id(value))
                if _items(value) > MOST_ITEMS:
                    complete = False
                else:
                    containers.append(value)
        pending = []
        for first in range(0, len(containers), CHUNK):
            if perf_counter_ns() > until_ns:
                return list(found.values()), False
            pending += gc.get_referents(*containers[first : first + CHUNK])
        if not pending:
            break
    return list(found.values()), complete


def _items(value: Any) -> int:
    """In one of the built-in containers, whatever its own class says."""
    kind = next((one for one in (list, dict, tuple, set) if issubclass(type(value), one)), None)
    return kind.__len__(value) if kind is not None else 0


def _variables() -> Iterator[Any]:
    """Of the frames of the calling thread, innermost first, and of the main module; ours are left out."""
    frame: FrameType | None = sys._getframe(1)
    for _ in range(MOST_FRAMES):
        if frame is None:
            break
        code = frame.f_code
        if not code.co_filename.startswith(OUR_FOLDER):
            for name in (*code.co_varnames, *code.co_cellvars, *code.co_freevars):
                value = variable(frame, name)
                if value is not UNKNOWN:
                    yield value
            if code.co_name == "<module>":
                yield from list(frame.f_globals.values())
        frame = frame.f_back
    main = sys.modules.get("__main__")
    if main is not None:
        yield from list(vars(main).values())
