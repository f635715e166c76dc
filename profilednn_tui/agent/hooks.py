"""The places of torch where the agent listens, and how it leaves them again.

Python functions of torch are replaced by wrappers that keep name, signature and traceback: an exception that passes
through one leaves no entry of ours. Everything here runs in the target's threads and must cost next to nothing; what
the wrappers call goes through the guard.
"""

from __future__ import annotations

import functools
from _thread import get_ident
from time import perf_counter_ns
from typing import Any, Callable, Protocol

from .guard import Guard, without_our_frame
from .optimizer_hooks import hook_updates
from .timeline import BACKWARD, DATA, FORWARD, Cut, Timeline


class Listener(Protocol):
    """What the hooks tell; all calls come from the training thread."""

    def before_batch(self) -> None:
        """A DataLoader is about to be asked for a batch."""

    def before_forward(self, module: Any) -> bool:
        """A root module is about to be called; whether it may compute the loss."""

    def is_loss(self, result: Any) -> bool:
        """Whether what such a module has returned is the loss."""

    def before_backward(self, tensors: Any) -> None:
        """The backward pass is about to begin."""

    def after_update(self, optimizer: Any, cut: Cut) -> None:
        """An optimizer has updated its parameters."""


class Hooks:
    """Installs everything at once; `remove` restores every replaced attribute."""

    def __init__(self, torch: Any, timeline: Timeline, listener: Listener, guard: Guard) -> None:
        self._torch = torch
        self._timeline = timeline
        self._listener = listener
        self._guard = guard
        self._undo: list[Callable[[], None]] = []

    def install(self) -> None:
        """Begin to listen."""
        torch = self._torch
        compiling = torch.compiler.is_compiling
        self._replace(torch.nn.Module, "__call__", self._module_call(torch.nn.Module.__call__))
        for name in ("backward", "grad"):
            self._replace(torch.autograd, name, self._backward_call(getattr(torch.autograd, name), compiling))
        loader = torch.utils.data.dataloader
        self._replace(loader.DataLoader, "__iter__", self._data_call(loader.DataLoader.__iter__, counts=False))
        iterator = loader._BaseDataLoaderIter
        self._replace(iterator, "__next__", self._data_call(iterator.__next__, counts=True))
        self._undo.append(hook_updates(self._before_update, self._after_update))

    def remove(self) -> None:
        """Stop listening."""
        while self._undo:
            self._undo.pop()()

    def nested_call_ns(self) -> float:
        """What the wrapper of ``Module.__call__`` adds to a nested call, measured now: the best of five loops."""

        def call(module: None) -> None:
            return None

        def best_ns(function: Callable[[None], None]) -> int:
            times_ns = []
            for _ in range(5):
                begin_ns = perf_counter_ns()
                for _ in range(100):
                    function(None)
                times_ns.append(perf_counter_ns() - begin_ns)
            return min(times_ns)

        self._timeline.busy = True
        wrapped_ns = best_ns(self._module_call(call))
        self._timeline.busy = False
        return max(wrapped_ns - best_ns(call), 0) / 100

    def _replace(self, owner: Any, name: str, wrapper: Callable[..., Any]) -> None:
        original = owner.__dict__[name]

        def undo() -> None:
            if owner.__dict__.get(name) is wrapper:  # someone may have wrapped ours meanwhile
                setattr(owner, name, original)

        setattr(owner, name, wrapper)
        self._undo.append(undo)

    def _module_call(self, original: Callable[..., Any]) -> Callable[..., Any]:
        timeline, listener, guard = self._timeline, self._listener, self._guard
        # Dynamo must leave before it reads the timeline; for exports it is enough to ask outside of other calls.
        in_dynamo, compiling = self._torch.compiler.is_dynamo_compiling, self._torch.compiler.is_compiling

        # The profiler finds the module in a local variable named `self`.
        @functools.wraps(original)
        def __call__(self: Any, *arguments: Any, **keywords: Any) -> Any:  # noqa: N807
            if in_dynamo():
                return original(self, *arguments, **keywords)
            try:
                if timeline.busy or compiling() or (timeline.thread != get_ident() and not _is_training(timeline)):
                    return original(self, *arguments, **keywords)
                began_ns = timeline.now()
                may_be_loss = False
                try:
                    may_be_loss = listener.before_forward(self)
                except Exception as error:  # noqa: BLE001 - the guard's door, without the cost of a call
                    guard.failed("before_forward", error)
                timeline.enter(FORWARD, began_ns)
                result = None
                try:
                    result = original(self, *arguments, **keywords)
                finally:
                    timeline.leave_forward(may_be_loss and guard.run(listener.is_loss, result) is True)
                return result
            except BaseException as error:
                without_our_frame(error)
                raise

        return __call__

    def _backward_call(self, original: Callable[..., Any], compiling: Callable[[], bool]) -> Callable[..., Any]:
        timeline, listener, guard = self._timeline, self._listener, self._guard

        @functools.wraps(original)
        def backward(*arguments: Any, **keywords: Any) -> Any:
            if compiling():
                return original(*arguments, **keywords)
            try:
                if timeline.thread != get_ident() and not _is_training(timeline):
                    return original(*arguments, **keywords)
                began_ns = timeline.now()
                try:
                    listener.before_backward(arguments[0] if arguments else keywords.get("tensors"))
                except Exception as error:  # noqa: BLE001 - as above
                    guard.failed("before_backward", error)
                previous = timeline.enter(BACKWARD, began_ns)
                try:
                    return original(*arguments, **keywords)
                finally:
                    timeline.leave(previous)
            except BaseException as error:
                without_our_frame(error)
                raise

        return backward

    def _data_call(self, original: Callable[..., Any], counts: bool) -> Callable[..., Any]:
        timeline, listener, guard = self._timeline, self._listener, self._guard

        @functools.wraps(original)
        def data(self: Any) -> Any:
            try:
                if timeline.busy or not _is_training(timeline):
                    return original(self)
                began_ns = timeline.now()
                if counts:
                    guard.run(listener.before_batch)
                previous = timeline.enter(DATA, began_ns)
                try:
                    return original(self)
                finally:
                    timeline.leave(previous)
            except BaseException as error:
                without_our_frame(error)
                raise

        return data

    def _before_update(self, optimizer: Any, arguments: Any, keywords: Any) -> None:
        timeline = self._timeline
        began_ns = timeline.now()
        timeline.thread = get_ident()  # the thread that updates is the one that trains
        timeline.enter_optimizer(began_ns)

    def _after_update(self, optimizer: Any, arguments: Any, keywords: Any) -> None:
        timeline = self._timeline
        try:
            self._listener.after_update(optimizer, timeline.leave_optimizer())
        except Exception as error:  # noqa: BLE001 - as above
            self._guard.failed("after_update", error)
        timeline.book()


def _is_training(timeline: Timeline) -> bool:
    thread = get_ident()
    if timeline.thread is None:
        timeline.thread = thread
        timeline.skip()  # time before the first activity belongs to no step
    return timeline.thread == thread
