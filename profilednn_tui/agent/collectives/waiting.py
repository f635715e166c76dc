"""Where the training thread waits for other ranks.

Python code waits in ``Work.wait``, which `all_reduce` and its kind call unless they are asynchronous, and FSDP as
well; DDP broadcasts its buffers in C++. DDP's reducer waits at the end of the backward pass, in a callback of autograd:
ours runs right before it, and the call of the backward pass ends with it.

What torch calls within a backward pass or a collective consists of built-in functions only. Python runs pending signal
handlers when it enters a function of its own: there, Ctrl-C would end the backward pass between two buckets, and this
rank would no longer agree with the others about what comes next.
"""

from __future__ import annotations

import functools
import itertools
from _thread import get_ident
from typing import Any, Callable

from ..isolation.guard import Guard, without_our_frame
from ..steps.timeline import Timeline

Waited = Callable[[int, int], None]
"""Receives the beginning and the end of a wait of the training thread."""

_TRIED, _NOT_AGAIN = 4, 1_000
"""After so many updates without a call, a hook is given up, for so many."""


def noting(append: Callable[[int], None], now: Callable[[], int]) -> Callable[..., None]:
    """A built-in function that appends the time, whatever it is called with."""
    return functools.partial(next, map(append, iter(now, None)))


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
        self._replace(self._torch._C._distributed_c10d.Work, "wait", self._method)
        self._replace(self._torch.distributed, "_broadcast_coalesced", self._function)

    def remove(self) -> None:
        """Restore what was replaced."""
        while self._undo:
            self._undo.pop()()

    def _replace(self, owner: Any, name: str, wrapped: Callable[[Any], Callable[..., Any]]) -> None:
        original = owner.__dict__.get(name)
        if original is None:
            return
        wrapper = wrapped(original)

        def undo() -> None:
            if owner.__dict__.get(name) is wrapper:  # ours may have been wrapped in the meantime
                setattr(owner, name, original)

        setattr(owner, name, wrapper)
        self._undo.append(undo)

    def _method(self, original: Any) -> Callable[..., Any]:
        function = self._function(original)

        # pybind11 knows by the first argument that a subclass calls its base.
        @functools.wraps(original)
        def wait(self: Any, *arguments: Any, **keywords: Any) -> Any:
            try:
                return function(self, *arguments, **keywords)
            except BaseException as error:
                without_our_frame(error)
                raise

        return wait

    def _function(self, original: Any) -> Callable[..., Any]:
        timeline, guard, waited = self._timeline, self._guard, self._waited
        compiling = self._torch.compiler.is_compiling

        @functools.wraps(original)
        def wait(*arguments: Any, **keywords: Any) -> Any:
            try:
                if compiling() or timeline.thread != get_ident():  # in this order: Dynamo knows the first
                    return original(*arguments, **keywords)
                began_ns = timeline.now()
                result = original(*arguments, **keywords)
            except BaseException as error:
                without_our_frame(error)
                raise
            try:
                waited(began_ns, timeline.now())
            except Exception as error:  # noqa: BLE001 - the guard's error boundary, without the cost of a call
                guard.failed("waited", error)
            return result

        return wait


class AfterBackward:
    """Notes the end of each backward pass's own work in `Timeline.computed`. From then on, DDP's callback waits, which
    is queued after ours."""

    def __init__(self, torch: Any, timeline: Timeline) -> None:
        self._torch = torch
        queue = torch.autograd.Variable._execution_engine.queue_callback
        note = noting(timeline.computed.append, timeline.now)
        self._expect = functools.partial(next, map(queue, itertools.repeat(note)))
        """Called by autograd with gradients, which it leaves alone."""
        self._once: Any = None
        self._always: Any = None
        """Handles of hooks: for one backward pass, and of a parameter."""
        self._updates = 0
        """Since the parameter's hook was registered, or was called last."""

    def watch(self, tensors: Any) -> None:
        """A backward pass is about to begin."""
        self._forget_once()
        if self._always is None:
            root = tensors[0] if isinstance(tensors, (list, tuple)) and len(tensors) == 1 else tensors
            node = root.grad_fn if type(root) is self._torch.Tensor else None
            self._once = node.register_prehook(self._expect) if node is not None else None

    def called(self) -> None:
        """The end of a backward pass was noted."""
        self._updates = 0

    def keep_watching(self, optimizer: Any) -> None:
        """An optimizer has updated its parameters: hook into the smallest one's node of the graph, which DDP keeps, so
        that none has to be registered for each pass."""
        self._updates += 1
        if self._always is not None:
            if self._updates >= _TRIED:  # the node is not kept, or the parameter takes no part any more
                self._forget_always()
                self._updates = -_NOT_AGAIN
            return
        every = [one for group in optimizer.param_groups for one in group["params"]] if self._updates > 0 else []
        kinds = self._torch.Tensor, self._torch.nn.Parameter
        plain = [one for one in every if type(one) in kinds and one.requires_grad and one.is_leaf]
        if plain:
            # A gradient that a hook has seen may be copied instead of taken over.
            smallest = min(plain, key=lambda one: one.numel())
            with self._torch.enable_grad(), self._torch._C.DisableTorchFunction():
                node = smallest.view_as(smallest).grad_fn.next_functions[0][0]
            self._always = node.register_prehook(self._expect)
            self._updates = 0

    def remove(self) -> None:
        """Remove all hooks."""
        self._forget_once()
        self._forget_always()

    def _forget_once(self) -> None:
        once, self._once = self._once, None
        if once is not None:
            once.remove()

    def _forget_always(self) -> None:
        always, self._always = self._always, None
        if always is not None:
            always.remove()
