"""Keeps Kineto's thread from disturbing forks.

Once loaded, Kineto keeps a thread that waits for external requests. A forked child inherits the handle without the
thread and joins it on exit: it hangs or aborts, whatever its exit code should have been. Python 3.12 and newer also
warn about forking a multi-threaded process. So the thread is stopped before each fork and restarted afterwards.
"""

from __future__ import annotations

import ctypes
import functools
import os
from typing import Any

_CLASS = "_ZN9libkineto12ConfigLoader"
_TASKS = "/proc/self/task"


@functools.cache
def keep_out_of_forks(torch: Any) -> None:
    """Install the fork handlers, once and for good: Kineto stays loaded when the agent leaves.

    No effect if libtorch does not export the functions; torch 2.8, 2.13 and 2.14 do.
    """
    try:
        # PyDLL holds the GIL during calls: two threads may fork at the same time.
        library = ctypes.PyDLL(os.path.join(os.path.dirname(torch.__file__), "lib", "libtorch_cpu.so"))
        instance, stop, start = (
            library[_CLASS + name] for name in ("8instanceEv", "10stopThreadEv", "11startThreadEv")
        )
    except (OSError, AttributeError):
        return
    instance.restype = ctypes.c_void_p
    for function in (stop, start):
        function.argtypes = [ctypes.c_void_p]
        function.restype = None
    ended = False

    def before() -> None:
        nonlocal ended
        threads = _count_threads()
        stop(instance())
        ended = _count_threads() < threads

    def after_in_parent() -> None:
        if ended:
            start(instance())

    os.register_at_fork(before=before, after_in_parent=after_in_parent)


def _count_threads() -> int:
    try:
        return len(os.listdir(_TASKS))
    except OSError:
        return 0
