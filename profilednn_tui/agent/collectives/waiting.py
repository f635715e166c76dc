"""Where the training thread waits for other ranks.

Python code waits in ``Work.wait``, which `all_reduce` and its kind call unless they are asynchronous, and FSDP as
well; functional collectives in ``wait_tensor``; DDP broadcasts its buffers in C++. DDP's reducer waits at the end of
the backward pass, in a callback of autograd: ours runs right before it, and the call of the backward pass ends with it.
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
            try:
                waited(began_ns, timeline.now())
            except Exception as error:  # noqa: BLE001 - the guard's error boundary, without the cost of a call
                guard.failed("waited", error)
            return result

        return wait


_TRIED = 4
"""After so many updates, a hook that was never called is given up."""


class AfterBackward:
    """Finds the end of a backward pass's own work: DDP's callback, which is queued after ours, waits from then on."""

    def __init__(self, torch: Any, timeline: Timeline, guard: Guard, computed: Callable[[int], None]) -> None:
        self._task: Callable[[], int] = getattr(torch._C, "_current_graph_task_id", lambda: -1)
        self._queue: Callable[[Callable[[], None]], None] = torch.autograd.Variable._execution_engine.queue_callback
        self._now = timeline.now
        self._guard = guard
        self._report = computed
        self.expected = 0
        """How often it was."""
        self.queued = False
        """Whether the callback of the current backward pass is queued; one that fails leaves that to the next."""

    def expect(self) -> None:
        """A collective has begun: if that is within a backward pass, its end is of interest."""
        if not self.queued and self._task() >= 0:
            self.queued = True
            self.expected += 1
            self._queue(self._computed)

    def failed(self, error: Exception) -> None:
        """Report that it could not be expected."""
        self._guard.failed("expect", error)

    def _computed(self) -> None:
        now_ns = self._now()
        self.queued = False
        try:
            self._report(now_ns)
        except Exception as error:  # noqa: BLE001 - the guard's error boundary, without the cost of a call
            self._guard.failed("computed", error)


class EveryBackward:
    """Expects the end of every backward pass, where no collective that begins says that there is one."""

    def __init__(self, torch: Any, after_backward: AfterBackward) -> None:
        self._torch = torch
        self._after_backward = after_backward
        self._handle: Any = None
        self._updates = self._expected = 0
        """Updates since the hook was registered, and how often the end had been expected by then."""
        self.works = False
        """Whether the hook of a parameter does it, so that none has to be registered for each pass."""

    def watch_one(self, tensors: Any) -> None:
        """Expect the end of the backward pass that is about to begin."""
        root = tensors[0] if isinstance(tensors, (list, tuple)) and len(tensors) == 1 else tensors
        node = root.grad_fn if type(root) is self._torch.Tensor else None
        if node is not None:
            node.register_prehook(self._expect)

    def keep_watching(self, optimizer: Any) -> None:
        """An optimizer has updated its parameters: hook into the smallest one's node of the graph, which DDP keeps."""
        self._updates += 1
        if self._handle is None:
            if self._updates > 1:
                return  # it was tried
            every = [one for group in optimizer.param_groups for one in group["params"] if one.requires_grad]
            plain = [
                one for one in every if type(one) in (self._torch.Tensor, self._torch.nn.Parameter) and one.is_leaf
            ]
            if plain:
                # A gradient that a hook has seen may be copied instead of taken over.
                smallest = min(plain, key=lambda one: one.numel())
                with self._torch.enable_grad(), self._torch._C.DisableTorchFunction():
                    node = smallest.view_as(smallest).grad_fn.next_functions[0][0]
                self._handle = node.register_prehook(self._expect)
                self._expected = self._after_backward.expected
                self.works = True
        elif self.works and self._updates == _TRIED and self._after_backward.expected == self._expected:
            self.remove()  # the node is not kept, or the parameter takes no part

    def remove(self) -> None:
        """Remove the hook."""
        handle, self._handle, self.works = self._handle, None, False
        if handle is not None:
            handle.remove()

    def _expect(self, gradients: Any) -> None:
        try:
            self._after_backward.expect()
        except Exception as error:  # noqa: BLE001 - as above
            self._after_backward.failed(error)
