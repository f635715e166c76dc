"""torch's global hooks on optimizer updates, registered and removed while training runs.

torch keeps them in two dictionaries, and every update iterates over both. Changing one while a thread is inside a hook
would make the program's own iteration fail, so changes wait until no thread is.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from types import CodeType, FrameType
from typing import Any, Callable

_TRIES, _PAUSE_S = 2_000, 0.001


def hook_updates(before: Callable[..., None], after: Callable[..., None]) -> Callable[[], None]:
    """Register both hooks; returns a function that removes them."""
    from torch.optim import optimizer as module

    tables: tuple[Any, ...] = (module._global_optimizer_pre_hooks, module._global_optimizer_post_hooks)
    _await_quiet(tables)
    handles = (module.register_optimizer_step_pre_hook(before), module.register_optimizer_step_post_hook(after))

    def remove() -> None:
        _await_quiet(tables)
        for handle in handles:
            handle.remove()

    return remove


def _await_quiet(tables: tuple[Any, ...]) -> None:
    """Wait until no other thread is inside a hook, for 2 s at most; hooks take microseconds, windows milliseconds."""
    for _ in range(_TRIES):
        hooks = {code for table in tables for hook in list(table.values()) if (code := _code(hook)) is not None}
        if not any(frame.f_code in hooks for frame in _frames_of_other_threads()):
            return
        time.sleep(_PAUSE_S)


def _code(hook: Any) -> CodeType | None:
    code = getattr(getattr(hook, "__func__", hook), "__code__", None)
    return code if isinstance(code, CodeType) else None


def _frames_of_other_threads() -> Iterator[FrameType]:
    own = sys._getframe()
    for top in sys._current_frames().values():
        frame: FrameType | None = top
        while frame is not None and frame is not own:
            yield frame
            frame = frame.f_back
