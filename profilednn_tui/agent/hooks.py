"""The places of torch where the agent listens, and how it leaves them again.

Python functions of torch are replaced by wrappers that keep name, signature and traceback: an exception that passes
through one leaves no entry of ours. Everything here runs in the target's threads and must cost next to nothing; what
the wrappers call goes through the guard.
"""

from __future__ import annotations

import functools
from _thread import get_ident
from typing import Any, Callable, Protocol

from .guard import Guard, without_our_frame
from .optimizer_hooks import hook_updates
from .timeline import BACKWARD, DATA, FORWARD, Timeline


class Listener(Protocol):
    """What the hooks tell; all calls come from the training thread."""

    def before_batch(self) -> None:
        """A DataLoader is about to be asked for a batch."""

    def before_forward(self, module: Any) -> None:
        """A root module is about to be called."""

    def after_forward(self, module: Any, result: Any) -> bool:
        """A root module has returned; whether it computed the loss."""

    def before_backward(self, tensors: Any) -> None:
        """The backward pass is about to begin."""

    def after_update(self, optimizer: Any) -> None:
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
        self._replace(torch.nn.Module, "__call__", self._module_call(torch.nn.Module.__call__, compiling))
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

    def _replace(self, owner: Any, name: str, wrapper: Callable[..., Any]) -> None:
        original = owner.__dict__[name]

        def undo() -> None:
            if owner.__dict__.get(name) is wrapper:  # someone may have wrapped ours meanwhile
                setattr(owner, name, original)

        setattr(owner, name, wrapper)
        self._undo.append(undo)

    def _module_call(self, original: Callable[..., Any], compiling: Callable[[], bool]) -> Callable[..., Any]:
        timeline, listener, guard = self._timeline, self._listener, self._guard

        # The profiler finds the module in a local variable named `self`.
        @functools.wraps(original)
        def __call__(self: Any, *arguments: Any, **keywords: Any) -> Any:  # noqa: N807
            if compiling():
                return original(self, *arguments, **keywords)
            try:
                if timeline.busy or not _is_training(timeline):
                    return original(self, *arguments, **keywords)
                try:
                    listener.before_forward(self)
                except Exception as error:  # noqa: BLE001 - the guard's door, without the cost of a call
                    guard.failed("before_forward", error)
                timeline.enter(FORWARD)
                result = None
                try:
                    result = original(self, *arguments, **keywords)
                finally:
                    timeline.leave_forward(guard.run(listener.after_forward, self, result) is True)
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
                if not _is_training(timeline):
                    return original(*arguments, **keywords)
                guard.run(listener.before_backward, arguments[0] if arguments else keywords.get("tensors"))
                previous = timeline.enter(BACKWARD)
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
                if counts:
                    guard.run(listener.before_batch)
                previous = timeline.enter(DATA)
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
        if timeline.thread != get_ident():
            timeline.thread = get_ident()  # the thread that updates is the one that trains
        timeline.enter_optimizer()

    def _after_update(self, optimizer: Any, arguments: Any, keywords: Any) -> None:
        self._timeline.leave_optimizer()
        self._guard.run(self._listener.after_update, optimizer)


def _is_training(timeline: Timeline) -> bool:
    thread = get_ident()
    if timeline.thread is None:
        timeline.thread = thread
        timeline.skip()  # time before the first activity belongs to no step
    return timeline.thread == thread
