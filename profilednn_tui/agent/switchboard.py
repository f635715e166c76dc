"""Switches optimizations on at the right moments, and keeps account of what each has really changed.

A failing optimization takes back what it did and is reported; the training goes on without it.
"""

from __future__ import annotations

import functools
import time
import weakref
from contextlib import ExitStack
from typing import Any, Callable

from ..protocol import Optimization as Report
from . import catalog
from .guard import without_our_frame
from .optimizations import Missing, Optimization, here

ON, UNAVAILABLE, CONFLICT, NO_EFFECT, FAILED = "on", "unavailable", "conflict", "no effect", "failed"


class Switchboard:
    """The optimizations of one process."""

    def __init__(self, torch: Any, names: list[str], quota: float | None = None) -> None:
        self._torch = torch
        self._active: list[Optimization] = []
        self._final: dict[str, tuple[str, str]] = {}
        """State and text of those that are not active, by name."""
        self._told: dict[str, tuple[str, str]] = {}
        self._next_news_step = 0
        self._roots: weakref.WeakSet[Any] = weakref.WeakSet()
        self._optimizers: weakref.WeakSet[Any] = weakref.WeakSet()
        self._undo: list[Callable[[], None]] = []
        surroundings = here(torch, frozenset(names), quota)
        kinds: list[type[Optimization]] = []
        for name in dict.fromkeys(names):
            try:
                kind = catalog.load(name)
                clashing = catalog.conflict(kind, kinds)
                optimization = kind(surroundings)
                missing = optimization.missing()
            except Exception as error:  # noqa: BLE001 - code of others, or a broken installation
                self._final[name] = FAILED, _text(error)
                continue
            if clashing:
                self._final[name] = CONFLICT, f"cannot be on together with {clashing}: leave one of them out"
            elif missing is not None:
                self._final[name] = UNAVAILABLE, sentence(missing)
            else:
                kinds.append(kind)
                self._active.append(optimization)
        self._active.sort(key=lambda one: one.rank)

    def start(self) -> None:
        """torch has just been imported."""
        self._each("begin_torch")
        if not self._active:
            return
        module = self._torch.nn.Module
        original = module.__call__
        wrapper = self._module_call(original, self._torch.compiler.is_compiling)
        module.__call__ = wrapper
        from torch.optim.optimizer import register_optimizer_step_pre_hook

        register_optimizer_step_pre_hook(self._before_update)

    def busy(self) -> bool:
        """Whether the step that has just ended paid for a warm-up; asked once a step."""
        answers = [self._ask(one, one.busy) for one in self._active]
        return True in answers

    def news(self, steps: int, final: bool = False) -> list[Report]:
        """What has not been told yet, after so many steps; receipts come when there was a whole step, or none will."""
        found = dict(self._final)
        if final or (steps and steps >= self._next_news_step):
            self._next_news_step = max(3, 2 * steps)  # a receipt may hold figures that go on changing a little
            found.update((one.name, self._account(one, steps)) for one in list(self._active))
        fresh = {name: account for name, account in found.items() if self._told.get(name) != account}
        self._told.update(fresh)
        return [Report(name, state, text, time.time_ns()) for name, (state, text) in fresh.items()]

    def begin_anew(self) -> None:
        """In a forked child: what is on is on, and has to be told in the child's own stream."""
        self._told.clear()
        self._next_news_step = 0

    # ---- moments

    def _module_call(self, original: Callable[..., Any], compiling: Callable[[], bool]) -> Callable[..., Any]:
        inside = False
        roots, gradients = self._roots, self._torch.is_grad_enabled

        @functools.wraps(original)
        def __call__(self_: Any, *arguments: Any, **keywords: Any) -> Any:  # noqa: N807
            nonlocal inside
            try:
                if inside or compiling():
                    return original(self_, *arguments, **keywords)
                inside = True
                try:
                    first = self_ not in roots
                    if first and not (gradients() and self._trains(self_)):
                        return original(self_, *arguments, **keywords)
                    return self._call(original, self_, arguments, keywords, first)
                finally:
                    inside = False
            except BaseException as error:
                without_our_frame(error)
                raise

        return __call__

    def _trains(self, module: Any) -> bool:
        return any(parameter.requires_grad for parameter in module.parameters())

    def _call(self, original: Callable[..., Any], root: Any, arguments: Any, keywords: Any, first: bool) -> Any:
        try:
            with ExitStack() as stack:
                if first:
                    self._roots.add(root)
                    self._each("begin_model", root)
                    stack.callback(self._show_layers(root))
                arguments, keywords = self._change("change_inputs", (arguments, keywords))
                for one in list(self._active):
                    context = self._ask(one, one.around_call, root)
                    if context is not None:
                        stack.enter_context(context)
                result = original(root, *arguments, **keywords)
            return self._change("change_outputs", result)
        except BaseException as error:
            without_our_frame(error)
            raise

    def _show_layers(self, root: Any) -> Callable[[], None]:
        """Let the optimizations see what the layers give in this call; what is returned ends that."""
        watching = [one for one in self._active if type(one).see_layer is not Optimization.see_layer]
        if not watching or any(one.name == "compile" for one in self._active):
            return lambda: None

        def see(layer: Any, arguments: Any, output: Any) -> None:
            if isinstance(output, self._torch.Tensor):
                for one in watching:
                    self._ask(one, one.see_layer, layer, output)

        kinds = self._torch.nn.modules.conv._ConvNd, self._torch.nn.Linear
        handles = [module.register_forward_hook(see) for module in root.modules() if isinstance(module, kinds)]

        def end() -> None:
            for handle in handles:
                handle.remove()

        return end

    def _before_update(self, optimizer: Any, arguments: Any, keywords: Any) -> None:
        if optimizer not in self._optimizers:
            self._optimizers.add(optimizer)
            self._each("begin_optimizer", optimizer)

    # ---- the door: whatever an optimization raises stays here

    def _each(self, moment: str, *arguments: Any) -> None:
        for one in list(self._active):
            self._ask(one, getattr(one, moment), *arguments)

    def _change(self, moment: str, value: Any) -> Any:
        for one in list(self._active):
            changed = self._ask(one, getattr(one, moment), value)
            if one in self._active:
                value = changed
        return value

    def _ask(self, one: Optimization, method: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return method(*arguments)
        except Exception as error:  # noqa: BLE001 - this is the door
            self._give_up(one, error)
            return None

    def _give_up(self, one: Optimization, error: Exception) -> None:
        if one in self._active:
            self._active.remove(one)
        text = f"{_text(error)}; the training goes on without it"
        try:
            one.revert()
        except Exception as second:  # noqa: BLE001 - the same door
            text += f", but not all could be taken back: {_text(second)}"
        self._final[one.name] = FAILED, text

    def _account(self, one: Optimization, steps: int) -> tuple[str, str]:
        try:
            receipt = one.receipt(steps)
            return (ON, receipt) if receipt else (NO_EFFECT, f"because {one.no_effect()}")
        except Exception as error:  # noqa: BLE001 - asked by the agent's thread, while the training may go on
            return ON, f"no receipt: {_text(error)}"


def sentence(missing: Missing) -> str:
    """Reason and fix."""
    return f"{missing.reason}; fix: {missing.fix}" if missing.fix else missing.reason


def _text(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:500]
