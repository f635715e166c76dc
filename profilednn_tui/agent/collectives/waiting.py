"""Where the training thread waits for other ranks.

Python code waits in ``Work.wait``, which `all_reduce` and its kind call unless they are asynchronous, and FSDP as
well; functional collectives, which DTensor uses, wait in ``wait_tensor``; DDP broadcasts its buffers in C++. DDP's
reducer waits at the end of the backward pass, in a callback of autograd: ours runs right before it, and the call of the
backward pass ends with it. What torch.compile makes of functional collectives waits out of our sight.

What torch calls within a backward pass or a collective consists of built-in functions only. Python runs pending signal
handlers when it enters a function of its own: there, Ctrl-C would end the backward pass between two buckets, and this
rank would no longer agree with the others about what comes next.
"""

from __future__ import annotations

import functools
import itertools
import operator
import sys
from _thread import get_ident
from typing import Any, Callable

from ..isolation.guard import Guard, without_our_frame
from ..steps.timeline import Timeline

Waited = Callable[[int, int], None]
"""Receives the beginning and the end of a wait of the training thread."""

_TRIED, _CHOICES, _NOT_AGAIN = 4, 4, 1_000
"""After so many updates without a call, a hook is given up, and another parameter chosen; after so many of them, none
for so many updates."""
_MOST_HOOKS = 8
"""Optimizers whose parameters are hooked into."""


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
        self._replaced: set[str] = set()
        """Names of the functions."""
        self._removed = False

    def install(self) -> None:
        """Begin to watch; torch.distributed must have been imported. To be called again for what is imported later."""
        self._replace(self._torch._C._distributed_c10d.Work, "wait", self._method)
        self._replace(self._torch.distributed, "_broadcast_coalesced", self._function)
        functional = sys.modules.get("torch.distributed._functional_collectives")
        if functional is not None:
            self._replace(functional, "wait_tensor", self._function)
        if self._removed:  # on another thread, in the meantime
            self.remove()

    def remove(self) -> None:
        """Restore what was replaced, for good."""
        self._removed = True
        while self._undo:
            self._undo.pop()()

    def _replace(self, owner: Any, name: str, wrapped: Callable[[Any], Callable[..., Any]]) -> None:
        original = owner.__dict__.get(name)
        if original is None or name in self._replaced:
            return
        self._replaced.add(name)
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
        self._queue = torch.autograd.Variable._execution_engine.queue_callback
        self._note = noting(timeline.computed.append, timeline.now)
        self._expect = functools.partial(next, map(self._queue, itertools.repeat(self._note)))
        """Called by autograd with gradients, which it leaves alone."""
        self._once: Any = None
        """Handle of a hook for one backward pass."""
        self._hooks: dict[int, _Hook] = {}
        """By ``id`` of the optimizer."""
        self._certain = False
        """Whether all of these were called before the last update of their optimizer."""

    def watch(self, tensors: Any) -> None:
        """A backward pass is about to begin."""
        self._forget_once()
        if not self._certain:
            root = tensors[0] if isinstance(tensors, (list, tuple)) and len(tensors) == 1 else tensors
            node = root.grad_fn if type(root) is self._torch.Tensor else None
            self._once = node.register_prehook(self._expect) if node is not None else None

    def keep_watching(self, optimizer: Any) -> None:
        """An optimizer has updated its parameters: hook into one of them, or rather into its node of the graph, which
        DDP keeps, so that no hook has to be registered for each pass."""
        if id(optimizer) not in self._hooks and len(self._hooks) < _MOST_HOOKS:
            self._hooks[id(optimizer)] = _Hook()
        elif id(optimizer) in self._hooks:
            hook = self._hooks[id(optimizer)]
            hook.updated()
            if hook.due:
                self._hook(optimizer, hook)
        self._certain = bool(self._hooks) and all(hook.certain for hook in self._hooks.values())

    def remove(self) -> None:
        """Remove all hooks."""
        self._forget_once()
        for hook in self._hooks.values():
            hook.remove()
        self._hooks.clear()
        self._certain = False

    def _hook(self, optimizer: Any, hook: _Hook) -> None:
        every = [one for group in optimizer.param_groups for one in group["params"]]
        kinds = self._torch.Tensor, self._torch.nn.Parameter
        # One without a gradient takes no part in the pass: DDP may be told to look for unused parameters.
        plain = [one for one in every if type(one) in kinds and one.is_leaf and one.grad is not None]
        if not plain:  # such as with gradients that are given up within the backward pass
            hook.failed()
        else:
            # A gradient that a hook has seen may be copied instead of taken over: the smallest ones cost least.
            plain.sort(key=lambda one: one.numel())
            chosen = plain[hook.failures % len(plain)]
            with self._torch.enable_grad(), self._torch._C.DisableTorchFunction():
                node = chosen.view_as(chosen).grad_fn.next_functions[0][0]
            hook.register(node, self._queue, self._note)

    def _forget_once(self) -> None:
        once, self._once = self._once, None
        if once is not None:
            once.remove()


class _Hook:
    """A hook of a parameter of one optimizer."""

    def __init__(self) -> None:
        self.failures = 0
        """How often a parameter was given up, because it takes no part in all passes or its node is not kept."""
        self._handle: Any = None
        self._calls: list[None] = []
        """Since the last update."""
        self._missed = 0
        """Updates in a row without a call; without a handle, how many updates to wait for is negative."""

    @property
    def due(self) -> bool:
        """Whether to register it now."""
        return self._handle is None and self._missed >= 0

    @property
    def certain(self) -> bool:
        """Whether it will probably be called in the next pass."""
        return self._handle is not None and not self._missed

    def register(self, node: Any, queue: Callable[[Any], None], note: Callable[..., None]) -> None:
        """Have a note be queued whenever the node of the graph runs."""
        counted = zip(map(self._calls.append, itertools.repeat(None)), itertools.repeat(note))
        queued = map(queue, map(operator.itemgetter(1), counted))
        self._handle = node.register_prehook(functools.partial(next, queued))
        self._missed = 0

    def updated(self) -> None:
        """The optimizer has updated its parameters."""
        called = bool(self._calls)
        self._calls.clear()
        self._missed = 0 if self._handle is not None and called else self._missed + 1
        if self._handle is not None and self._missed >= _TRIED:
            self.failed()

    def failed(self) -> None:
        """The parameter is none to hook into: another one is to be chosen, and after some of them none for a while."""
        self.remove()
        self.failures += 1
        self._missed = -_NOT_AGAIN if self.failures % _CHOICES == 0 else 0

    def remove(self) -> None:
        """Remove it from the graph."""
        handle, self._handle = self._handle, None
        if handle is not None:
            handle.remove()
