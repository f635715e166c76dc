"""Installs the agent's hooks in torch, and removes them.

Python functions of torch are replaced with wrappers that keep name, signature and traceback: an exception that passes
through one leaves no entry of ours. Everything here runs on the target's threads and must cost next to nothing;
whatever the wrappers call goes through the guard.
"""

from __future__ import annotations

import functools
from _thread import get_ident
from time import perf_counter_ns
from typing import Any, Callable, Protocol

from ..isolation.guard import Guard, without_our_frame
from ..optimizations._autograd_functions import AutogradFunctions
from .loaders import LoaderFacts
from .optimizer_hooks import hook_updates
from .timeline import BACKWARD, DATA, FORWARD, INFERENCE, Cut, Timeline
from .training_thread import Sign, TrainingThread


class Listener(Protocol):
    """What the hooks report; called on the training thread unless stated otherwise."""

    def before_hooks(self, nested_call_ns: float) -> None:
        """The hooks are about to be installed: nested module calls will take this much longer."""

    def before_batch(self) -> None:
        """A batch is about to be requested from a DataLoader."""

    def no_batch(self) -> None:
        """The DataLoader is exhausted."""

    def before_forward(self, module: Any, arguments: Any, keywords: Any) -> bool:
        """A root module is about to be called; returns whether it may compute the loss."""

    def before_inference(self, module: Any) -> None:
        """A root module is about to be called without gradients; on any thread as long as none has trained."""

    def is_loss(self, result: Any) -> bool:
        """Whether the result of a module that may compute the loss is the loss."""

    def scaled(self, scaler: Any, outputs: Any, result: Any) -> None:
        """A GradScaler has scaled losses; on any thread."""

    def before_backward(self, tensors: Any, keeps_graph: bool) -> None:
        """The backward pass is about to begin; `keeps_graph` if it is itself differentiable, as for a penalty."""

    def before_backward_elsewhere(self, tensors: Any) -> None:
        """A backward pass is about to begin on another thread."""

    def before_update_elsewhere(self) -> None:
        """Another thread, which trains for itself, is about to update its parameters."""

    def after_update(self, optimizer: Any, cut: Cut) -> None:
        """An optimizer has updated its parameters."""


class Hooks:
    """Installs everything at once; `remove` restores every replaced attribute."""

    def __init__(self, torch: Any, timeline: Timeline, listener: Listener, loaders: LoaderFacts, guard: Guard) -> None:
        self._torch = torch
        self._timeline = timeline
        self._listener = listener
        self._loaders = loaders
        self._guard = guard
        self._trainer = TrainingThread(timeline)
        self._undo: list[Callable[[], None]] = []

    def install(self) -> None:
        """Begin to listen."""
        self._listener.before_hooks(self._nested_call_ns())
        torch = self._torch
        compiling = torch.compiler.is_compiling
        self._replace(torch.nn.Module, "__call__", self._module_call(torch.nn.Module.__call__))
        for name in ("backward", "grad"):
            self._replace(torch.autograd, name, self._backward_call(getattr(torch.autograd, name), compiling))
        scaler = torch.amp.GradScaler
        self._replace(scaler, "scale", self._scale_call(scaler.scale))
        loader = torch.utils.data.dataloader
        self._replace(loader.DataLoader, "__iter__", self._start_call(loader.DataLoader.__iter__))
        iterator = loader._BaseDataLoaderIter
        self._replace(iterator, "__next__", self._batch_call(iterator.__next__))
        self._undo.append(hook_updates(self._before_update, self._after_update))

    def remove(self) -> None:
        """Remove all hooks."""
        while self._undo:
            self._undo.pop()()

    def _nested_call_ns(self) -> float:
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
            if owner.__dict__.get(name) is wrapper:  # ours may have been wrapped in the meantime
                setattr(owner, name, original)

        setattr(owner, name, wrapper)
        self._undo.append(undo)

    def _module_call(self, original: Callable[..., Any]) -> Callable[..., Any]:
        timeline, listener, guard, trainer = self._timeline, self._listener, self._guard, self._trainer
        # Dynamo must return before it reads the timeline; for exports it is enough to check outermost calls.
        in_dynamo, compiling = self._torch.compiler.is_dynamo_compiling, self._torch.compiler.is_compiling
        gradients = self._torch.is_grad_enabled
        below_function = AutogradFunctions(self._torch).inside

        # The profiler finds the module in a local variable named `self`.
        @functools.wraps(original)
        def __call__(self: Any, *arguments: Any, **keywords: Any) -> Any:  # noqa: N807
            if in_dynamo():
                return original(self, *arguments, **keywords)
            try:
                if timeline.busy or compiling():
                    return original(self, *arguments, **keywords)
                if gradients() or below_function():
                    if timeline.thread != get_ident() and not trainer.is_me(Sign.FORWARD):
                        return original(self, *arguments, **keywords)
                elif timeline.thread != get_ident() and timeline.thread is not None:
                    return original(self, *arguments, **keywords)
                else:
                    began_ns = timeline.now()
                    try:
                        listener.before_inference(self)
                    except Exception as error:  # noqa: BLE001 - the guard's error boundary, without the cost of a call
                        guard.failed("before_inference", error)
                    previous = timeline.enter(INFERENCE, began_ns)
                    try:
                        return original(self, *arguments, **keywords)
                    finally:
                        timeline.leave(previous)
                began_ns = timeline.now()
                may_be_loss = False
                try:
                    may_be_loss = listener.before_forward(self, arguments, keywords)
                except Exception as error:  # noqa: BLE001 - as above
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
        timeline, listener, guard, trainer = self._timeline, self._listener, self._guard, self._trainer
        only_gradients = original.__name__ == "grad"

        @functools.wraps(original)
        def backward(*arguments: Any, **keywords: Any) -> Any:
            # A backward pass may run others, as in checkpointing and adjoint methods: those do not count.
            if compiling() or timeline.current == BACKWARD:
                return original(*arguments, **keywords)
            try:
                tensors = arguments[0] if arguments else keywords.get("tensors", keywords.get("outputs"))
                if timeline.thread != get_ident() and not trainer.is_me(Sign.BACKWARD):
                    if timeline.busy or trainer.is_its_own():
                        return original(*arguments, **keywords)
                    began_ns = timeline.now()
                    guard.run(listener.before_backward_elsewhere, tensors)
                    try:
                        return original(*arguments, **keywords)
                    finally:
                        timeline.backward_elsewhere(began_ns)
                began_ns = timeline.now()
                if not (only_gradients and timeline.busy):  # otherwise a model uses gradients, such as forces
                    trainer.saw_backward()
                    try:
                        listener.before_backward(tensors, only_gradients and _keeps_graph(arguments, keywords))
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

    def _scale_call(self, original: Callable[..., Any]) -> Callable[..., Any]:
        listener, guard = self._listener, self._guard
        compiling = self._torch.compiler.is_compiling

        @functools.wraps(original)
        def scale(self: Any, outputs: Any) -> Any:
            if compiling():
                return original(self, outputs)
            try:
                result = original(self, outputs)
                guard.run(listener.scaled, self, outputs, result)
                return result
            except BaseException as error:
                without_our_frame(error)
                raise

        return scale

    def _start_call(self, original: Callable[..., Any]) -> Callable[..., Any]:
        timeline, loaders, guard, trainer = self._timeline, self._loaders, self._guard, self._trainer

        @functools.wraps(original)
        def __iter__(self: Any) -> Any:  # noqa: N807
            try:
                if timeline.busy or not trainer.is_me(Sign.BATCH):
                    return original(self)
                previous = timeline.enter(DATA, timeline.now())
                asked_ns = timeline.now()
                try:
                    iterator = original(self)
                finally:
                    timeline.leave(previous)
                ended_ns = timeline.now()
                try:
                    loaders.started(self, iterator, ended_ns - asked_ns)
                except Exception as error:  # noqa: BLE001 - as above
                    guard.failed("started", error)
                timeline.hooks_ns += timeline.now() - ended_ns
                return iterator
            except BaseException as error:
                without_our_frame(error)
                raise

        return __iter__

    def _batch_call(self, original: Callable[..., Any]) -> Callable[..., Any]:
        timeline, listener, loaders = self._timeline, self._listener, self._loaders
        guard, trainer = self._guard, self._trainer

        @functools.wraps(original)
        def __next__(self: Any) -> Any:  # noqa: N807
            asked_ns = 0
            try:
                if timeline.busy or not trainer.is_me(Sign.BATCH):
                    return original(self)
                began_ns = timeline.now()
                guard.run(listener.before_batch)
                previous = timeline.enter(DATA, began_ns)
                asked_ns = timeline.now()
                try:
                    batch = original(self)
                finally:
                    timeline.leave(previous)
                ended_ns = timeline.now()
                try:
                    loaders.delivered(self, ended_ns - asked_ns)
                except Exception as error:  # noqa: BLE001 - as above
                    guard.failed("delivered", error)
                timeline.hooks_ns += timeline.now() - ended_ns
                return batch
            except BaseException as error:
                if type(error) is StopIteration:
                    guard.run(listener.no_batch)
                    if asked_ns:
                        guard.run(loaders.exhausted, self, timeline.now() - asked_ns)
                without_our_frame(error)
                raise

        return __next__

    def _before_update(self, optimizer: Any, arguments: Any, keywords: Any) -> None:
        timeline = self._timeline
        began_ns = timeline.now()
        if self._trainer.updates(optimizer):
            timeline.enter_optimizer(began_ns)
        else:
            self._guard.run(self._listener.before_update_elsewhere)

    def _after_update(self, optimizer: Any, arguments: Any, keywords: Any) -> None:
        timeline = self._timeline
        if timeline.thread != get_ident():
            return
        try:
            self._listener.after_update(optimizer, timeline.leave_optimizer())
        except Exception as error:  # noqa: BLE001 - as above
            self._guard.failed("after_update", error)
        timeline.book()


def _keeps_graph(arguments: tuple[Any, ...], keywords: dict[str, Any]) -> bool:
    """Whether the result of an ``autograd.grad`` call is to be differentiable."""
    return bool(arguments[4] if len(arguments) > 4 else keywords.get("create_graph", False))
