"""Where the training thread waits for other ranks.

Python code waits in ``Work.wait``, which `all_reduce` and its kind call unless they are asynchronous, and FSDP as
well; functional collectives in ``wait_tensor``; DDP broadcasts its buffers in C++. DDP's reducer waits at the end of
the backward pass, in a callback of autograd: our callbacks run right before and right after it.
"""

from __future__ import annotations

import functools
import sys
from _thread import get_ident
from typing import Any, Callable

from ..isolation.guard import Guard, without_our_frame
from ..steps.timeline import Timeline

Waited = Callable[[int, int], None]
"""Receives the beginning and the end of a wait of the training thread."""


class Waiting:
    """Wraps what the training thread waits in; `remove` restores all of it."""

    def __init__(self, torch: Any, timeline: Timeline, guard: Guard, waited: Waited) -> None:
        self._torch = torch
        self._timeline = timeline
        self._guard = guard
        self._waited = waited
        self._undo: list[Callable[[], None]] = []

    def install(self) -> None:
        """Begin to watch; torch.distributed must have been imported."""
        self._replace(self._torch._C._distributed_c10d.Work, "wait")
        self._replace(self._torch.distributed, "_broadcast_coalesced")
        functional = sys.modules.get("torch.distributed._functional_collectives")
        if functional is not None:
            self._replace(functional, "wait_tensor")

    def remove(self) -> None:
        """Restore what was replaced."""
        while self._undo:
            self._undo.pop()()

    def _replace(self, owner: Any, name: str) -> None:
        original = owner.__dict__.get(name)
        if original is None:
            return
        wrapper = self._wrapped(original)

        def undo() -> None:
            if owner.__dict__.get(name) is wrapper:  # ours may have been wrapped in the meantime
                setattr(owner, name, original)

        setattr(owner, name, wrapper)
        self._undo.append(undo)

    def _wrapped(self, original: Any) -> Callable[..., Any]:
        timeline, guard, waited = self._timeline, self._guard, self._waited
        compiling = self._torch.compiler.is_compiling

        @functools.wraps(original)
        def wait(*arguments: Any, **keywords: Any) -> Any:
            if compiling() or timeline.thread != get_ident():  # in this order: Dynamo knows the first
                return original(*arguments, **keywords)
            began_ns = timeline.now()
            try:
                result = original(*arguments, **keywords)
            except BaseException as error:
                without_our_frame(error)
                raise
            guard.run(waited, began_ns, timeline.now())
            return result

        return wait


class AfterBackward:
    """Finds the end of a backward pass's own work, and the end of what other callbacks of autograd do after it."""

    def __init__(self, torch: Any, timeline: Timeline, guard: Guard, waited: Waited) -> None:
        self._task: Callable[[], int] = getattr(torch._C, "_current_graph_task_id", lambda: -1)
        self._queue: Callable[[Callable[[], None]], None] = torch.autograd.Variable._execution_engine.queue_callback
        self._now = timeline.now
        self._guard = guard
        self._waited = waited
        self._queued = -1
        """The backward pass for which callbacks are queued."""
        self._began_ns = 0

    def expect(self) -> None:
        """A collective has begun: if that is within a backward pass, its end is of interest."""
        task = self._task()
        if task >= 0 and task != self._queued:
            self._queued = task
            self._queue(self._computed)

    def _computed(self) -> None:
        self._began_ns = self._now()
        self._guard.run(self._queue, self._done)

    def _done(self) -> None:
        self._queued = -1
        self._guard.run(self._waited, self._began_ns, self._now())
