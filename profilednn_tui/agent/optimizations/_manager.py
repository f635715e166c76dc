"""Switches optimizations on at the right moments, and keeps track of what each has actually changed.

A failing optimization is reverted and reported, and training continues without it. The program's own objects stay what
they are: layers are intercepted in ``Module.__call__``, not by replacing their class or forward method.
"""

from __future__ import annotations

import functools
import time
import weakref
from _thread import _local
from collections.abc import Collection
from contextlib import ExitStack
from typing import Any, Callable

from ...protocol.events import NoticeEvent, OptimizationEvent
from ...protocol.vocabulary import CONFLICT, DECLINED, FAILED, ON, UNAVAILABLE, WARNING
from ..isolation.dynamo import compiled_region, is_compiled
from ..isolation.guard import without_our_frames
from ..parentage import is_child_of_multiprocessing, is_distributed
from . import Declined, LayerCall, Optimization, here
from . import _registry as registry
from ._activations import EscapedActivations
from ._attribution import Failure, unhandled
from ._inspection import mention, why_not_repeatable
from ._plan import Layers, Plan
from ._probation import Probation, kind_of_call, versions
from ._receipts import Receipts, error_text, sentence

_PARAMETRIZE = "torch.nn.utils.parametrize"
"""Its modules are called whenever a weight is read: these are not model calls."""


class _Thread(_local):
    """State of the current thread."""

    layers: Layers | None = None
    """Layers of the root module being called; None outside of any."""


class OptimizationManager:
    """The optimizations of one process."""

    def __init__(self, torch: Any, names: list[str], quota: float | None = None) -> None:
        self._torch = torch
        self._active: list[Optimization] = []
        self._off: list[Optimization] = []
        """Those that are switched off for the time being."""
        self._receipts = Receipts()
        self._plans: weakref.WeakKeyDictionary[Any, Plan] = weakref.WeakKeyDictionary()
        """By module: its own plan, or that of the root module that contains it."""
        self._optimizers: weakref.WeakSet[Any] = weakref.WeakSet()
        self._backwards = 0
        """Number of backward passes so far."""
        self._failure: Failure | None = None
        """The latest exception in training under an optimization."""
        self._thread = _Thread()
        context = here(torch, frozenset(names), quota)
        kinds: list[type[Optimization]] = []
        for name in dict.fromkeys(names):
            try:
                kind = registry.load(name)
                clashing = registry.conflict(kind, kinds)
                optimization = kind(context)
                missing = optimization.missing()
            except Exception as error:  # noqa: BLE001 - third-party code, or a broken installation
                self._receipts.close(name, FAILED, error_text(error))
                continue
            if clashing:
                self._receipts.close(name, CONFLICT, f"cannot be combined with {clashing}: leave one of them out")
            elif missing is not None:
                self._receipts.close(name, UNAVAILABLE, sentence(missing))
            else:
                kinds.append(kind)
                self._active.append(optimization)
        self._active.sort(key=lambda one: one.rank)

    @property
    def active(self) -> tuple[Optimization, ...]:
        """Those that are on."""
        return tuple(self._active)

    def start(self) -> None:
        """torch has just been imported."""
        self._each("begin_torch")
        if not self._active:
            return
        torch = self._torch
        torch.nn.Module.__call__ = self._module_call(torch.nn.Module.__call__)
        torch.autograd.backward = self._backward_call(torch.autograd.backward)
        torch.autograd.grad = self._grad_call(torch.autograd.grad)
        for name in ("script", "trace", "trace_module"):
            setattr(torch.jit, name, self._jit_call(getattr(torch.jit, name)))
        from torch.optim.optimizer import register_optimizer_step_pre_hook

        register_optimizer_step_pre_hook(self._before_update)

    def select(self, names: Collection[str]) -> None:
        """Switch on those named, and off all others that can be; called between two steps."""
        off = [one for one in (*self._active, *self._off) if one.live and one.name not in names]
        for one in [one for one in self._off if one not in off]:
            self._off.remove(one)
            self._active.append(one)
            self._ask(one, one.switch_on)
        for one in [one for one in self._active if one in off]:
            self._ask(one, one.switch_off)
            if one in self._active:  # it may have failed
                self._active.remove(one)
                self._off.append(one)
        self._active.sort(key=lambda one: one.rank)
        for plan in set(self._plans.values()):
            plan.switch_off(self._off)

    def busy(self) -> bool:
        """Whether the step that has just ended included a warm-up; called once per step."""
        self._failure = None  # a step has ended since
        answers = [self._ask(one, one.busy) for one in self._active]
        return True in answers

    def news(self, steps: int, final: bool = False) -> list[Any]:
        """Events not reported yet, after `steps` steps; receipts follow after a whole step, or if none will come."""
        fresh = self._receipts.news([*self._active, *self._off], steps, final)
        news: list[Any] = [
            OptimizationEvent(name, state, text, time.time_ns()) for name, (state, text) in fresh.items()
        ]
        failure = self._ending() if final else None
        if failure is not None:
            on = [one for one in self._active if self._receipts.account(one, steps)[0] == ON]
            if on:
                news.append(NoticeEvent(WARNING, "failed_under_optimizations", failure.sentence(on), time.time_ns()))
        return news

    def _ending(self) -> Failure | None:
        """The exception that has ended training, if any."""
        last = unhandled()
        if last is None:  # a child of `multiprocessing` prints its exceptions itself
            return self._failure if is_child_of_multiprocessing() else None
        return self._failure if self._failure is not None and self._failure.text == last.text else last

    def begin_anew(self) -> None:
        """In a forked child: active optimizations stay on, and are reported again in the child's own stream."""
        self._receipts.begin_anew()

    # ---- calls of modules

    def _module_call(self, original: Callable[..., Any]) -> Callable[..., Any]:
        thread, compiling, compiled = self._thread, self._torch.compiler.is_compiling, compiled_region(self._torch)

        @functools.wraps(original)
        def __call__(self_: Any, *arguments: Any, **keywords: Any) -> Any:  # noqa: N807
            if compiling():
                return original(self_, *arguments, **keywords)
            try:
                if compiled():  # what the program compiles itself is left alone
                    return original(self_, *arguments, **keywords)
                layers = thread.layers
                if layers is None:
                    return self._outermost(original, self_, arguments, keywords)
                return layers[type(self_)](self_, *arguments, **keywords)
            except BaseException as error:
                without_our_frames(error)
                raise

        return __call__

    def _outermost(self, original: LayerCall, root: Any, arguments: Any, keywords: Any) -> Any:
        thread = self._thread
        if self._is_backward():  # checkpointing recomputes parts of the forward pass
            plan = self._plans.get(root)
            if plan is not None and plan.is_of(root):
                return self._run(plan, root, arguments, keywords, *plan.newest)
            thread.layers = plan.newest[1] if plan is not None else Layers(original, [], self._give_up)
        elif not self._takes_part(root):
            thread.layers = Layers(original, [], self._give_up)
        else:
            self._begin_training()
            return self._call(self._plan(original, root), root, arguments, keywords)
        try:
            return original(root, *arguments, **keywords)
        finally:
            thread.layers = None

    def _takes_part(self, root: Any) -> bool:
        try:
            if self._is_traced() or type(root).__module__ == _PARAMETRIZE:
                return False
            plan = self._plans.get(root)
            if plan is not None and plan.is_of(root):
                return True
            return self._torch.is_grad_enabled() and any(parameter.requires_grad for parameter in root.parameters())
        except Exception:  # noqa: BLE001 - methods of the program, called where a plain run does not call them
            return False

    def _is_backward(self) -> bool:
        ask = getattr(self._torch._C, "_current_graph_task_id", None)
        return ask is not None and ask() != -1

    def _is_traced(self) -> bool:
        """Whether an exporter or a function transform is tracing the program."""
        torch = self._torch
        level = getattr(getattr(torch._C, "_functorch", None), "maybe_current_level", None)
        return bool(
            torch.jit.is_tracing()
            or (level is not None and level() is not None)
            or torch._C._len_torch_dispatch_stack()
            or torch.autograd.forward_ad._current_level >= 0
        )

    def _plan(self, original: LayerCall, root: Any) -> Plan:
        plan = self._plans.get(root)
        if plan is None or not plan.is_of(root):
            self._receipts.seen.compiled.add(is_compiled(root))
            self._thread.layers = Layers(original, [], self._give_up)  # reading a parametrized weight computes it
            try:
                all_of_them = sorted([*self._active, *self._off], key=lambda one: one.rank)
                chosen = [one for one in all_of_them if self._begin_model(one, root)]
            finally:
                self._thread.layers = None
            known = [one for one in chosen if one in self._active or one in self._off]
            plan = Plan(root, original, known, self._give_up)
            plan.switch_off(self._off)
            for module in root.modules():
                self._plans.setdefault(module, plan)
            self._plans[root] = plan
        return plan

    def _begin_model(self, one: Optimization, root: Any) -> bool:
        """Whether this optimization applies to this model."""
        try:
            if one.has_work(root):
                self._check_code(one, root)
            one.begin_model(root)
        except Declined as declined:
            self._receipts.leave_alone(one, root, str(declined))
            return False
        except Exception as error:  # noqa: BLE001 - the error boundary
            self._give_up(one, error)
            return False
        return True

    def _check_code(self, one: Optimization, root: Any) -> None:
        if one.risky and any(isinstance(module, self._torch.jit.ScriptModule) for module in root.modules()):
            raise Declined("parts of the model are compiled by torch.jit and cannot be inspected")
        place = mention(root, one.refuses) if one.refuses else ""
        if place:
            raise Declined(f"the model's code uses {place}, which would give different results with it")
        place = mention(root, one.wary_of) if one.wary_of else ""
        if not place:
            return
        reason = "other ranks take part in it" if is_distributed(self._torch) else why_not_repeatable(root, self._torch)
        if reason:
            raise Declined(
                f"the model's code uses {place}, which may fail with it, and its call cannot be repeated: {reason}"
            )

    def _call(self, plan: Plan, root: Any, arguments: Any, keywords: Any) -> Any:
        if not any(one.risky for one in plan.active):
            return self._run(plan, root, arguments, keywords, plan.active, plan.layers)
        kind = kind_of_call(root, self._torch.is_grad_enabled(), arguments, keywords)
        if kind in plan.proven:
            try:
                return self._run(plan, root, arguments, keywords, plan.active, plan.layers)
            except Exception as error:
                self._failure = Failure.of(error, "the forward pass")
                raise
        # Until a backward pass has followed: what that recomputes must be as it was.
        if plan.may_show() and plan.seen.setdefault(kind, self._backwards) == self._backwards:
            return self._look_at(plan, root, arguments, keywords)
        result = self._try(plan, root, arguments, keywords)
        plan.proven.add(kind)
        return result

    def _look_at(self, plan: Plan, root: Any, arguments: Any, keywords: Any) -> Any:
        """Make a call as in a plain run, to find activations that the model exposes besides its result.

        Optimizations that would show in them leave this model alone.
        """
        try:
            since: Callable[[Any], str] = EscapedActivations(self._torch, root, arguments, keywords).since
        except Exception:  # noqa: BLE001 - objects of the program that fail when they are inspected
            since = _nowhere
        given = versions(self._torch, arguments, keywords)
        self._receipts.looked_at(root)
        result = self._run(plan, root, arguments, keywords, [], plan.with_only([]))
        changed = versions(self._torch, arguments, keywords) != given
        for one in list(plan.active):
            place = self._ask(one, since, one.shows_in)
            reason = f"it keeps activations ({place}), which the program may read" if place else ""
            if changed and one.copies_inputs:
                reason = "it changes its arguments in place, which the program may read"
            if reason:
                self._receipts.leave_alone(one, root, reason)
                plan.leave_out(one)
        return result

    def _try(self, plan: Plan, root: Any, arguments: Any, keywords: Any) -> Any:
        """Make a call on probation: if it fails, it is repeated without the suspects, if possible."""
        try:
            before: Probation | None = Probation(self._torch, root, arguments, keywords)
        except Exception:  # noqa: BLE001 - some kinds of tensors cannot be copied
            before = None
        failure: Exception | None = None
        last: Exception | None = None
        try:
            return self._run(plan, root, arguments, keywords, plan.active, plan.layers)
        except Exception as error:  # noqa: BLE001 - handled below: a repeated call must not run in its context
            failure = error
        try:
            reason = "its state cannot be copied" if before is None else before.why_not_repeatable()
            if before is None or reason:
                self._failure = Failure.of(failure, "the forward pass", f"the call was not repeated: {reason}")
                raise failure
            for suspects in self._suspects(failure, plan.active):
                before.restore()
                rest = [one for one in plan.active if one not in suspects]
                try:
                    result = self._run(plan, root, arguments, keywords, rest, plan.with_only(rest))
                except Exception as error:  # noqa: BLE001 - as above
                    last = error
                    continue
                for one in suspects:
                    self._give_up(one, failure, others=len(suspects) - 1)
                return result
            assert last is not None
            raise last  # as in a plain run: no optimization is to blame
        finally:
            failure = last = None  # breaks the cycle of exception and traceback, which would keep the call's tensors

    def _suspects(self, error: Exception, active: list[Optimization]) -> list[list[Optimization]]:
        """What to leave out in successive attempts: the optimizations that the error points to, then all risky ones."""
        risky = [one for one in active if one.risky]
        pointed = [one for one in Failure.of(error, "").pointed_at(risky) if one in risky]
        return [pointed, risky] if pointed and pointed != risky else [risky]

    def _run(
        self,
        plan: Plan,
        root: Any,
        arguments: Any,
        keywords: Any,
        active: list[Optimization],
        layers: Layers,
    ) -> Any:
        thread = self._thread
        plan.newest = active, layers
        self._receipts.acted(active)
        with ExitStack() as stack:
            arguments, keywords = self._change(active, "change_inputs", (arguments, keywords))
            for one in active:
                context = self._ask(one, one.around_call, root)
                if context is not None:
                    stack.enter_context(context)
            call = plan.original
            for one in active:
                call = self._ask(one, one.change_call, root, call) or call
            thread.layers = layers
            try:
                result = call(root, *arguments, **keywords)
            finally:
                thread.layers = None
        return self._change(active, "change_outputs", result)

    # ---- gradients and updates

    def _backward_call(self, original: Callable[..., Any]) -> Callable[..., Any]:
        compiling = self._torch.compiler.is_compiling

        @functools.wraps(original)
        def backward(tensors: Any, *arguments: Any, **keywords: Any) -> Any:
            if compiling():
                return original(tensors, *arguments, **keywords)
            try:
                self._begin_training()
                self._backwards += 1
                creates_graph = arguments[2] if len(arguments) > 2 else keywords.get("create_graph")
                if not creates_graph and keywords.get("inputs") is None and len(arguments) < 4:
                    for one in list(self._active):
                        keywords = self._ask(one, one.change_backward, tensors, keywords) or keywords
                return original(tensors, *arguments, **keywords)
            except BaseException as error:
                without_our_frames(error)
                self._failed(error, "the backward pass")
                raise

        return backward

    def _grad_call(self, original: Callable[..., Any]) -> Callable[..., Any]:
        compiling = self._torch.compiler.is_compiling

        @functools.wraps(original)
        def grad(outputs: Any, inputs: Any, *arguments: Any, **keywords: Any) -> Any:
            if compiling():
                return original(outputs, inputs, *arguments, **keywords)
            try:
                self._begin_training()
                self._backwards += 1
                gradients = original(outputs, inputs, *arguments, **keywords)
                for one in list(self._active) if isinstance(gradients, tuple) else ():
                    gradients = self._ask(one, one.change_gradients, inputs, gradients) or gradients
                return gradients
            except BaseException as error:
                without_our_frames(error)
                self._failed(error, "the backward pass")
                raise

        return grad

    def _jit_call(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Hide our functions from torch.jit: the code and the names that it stores must be the program's own."""

        @functools.wraps(original)
        def without_ours(*arguments: Any, **keywords: Any) -> Any:
            try:
                active = list(self._active)
                for one in active:
                    self._ask(one, one.hide)
                try:
                    return original(*arguments, **keywords)
                finally:
                    for one in active:
                        self._ask(one, one.show)
            except BaseException as error:
                without_our_frames(error)
                raise

        return without_ours

    def _failed(self, error: BaseException, where: str) -> None:
        if isinstance(error, Exception):
            self._failure = Failure.of(error, where)

    def _before_update(self, optimizer: Any, arguments: Any, keywords: Any) -> None:
        self._begin_training()
        self._receipts.seen.optimizer = True
        if optimizer not in self._optimizers:
            self._optimizers.add(optimizer)
            self._each("begin_optimizer", optimizer)
        self._each("before_update", optimizer)

    def _begin_training(self) -> None:
        if not self._receipts.seen.training:
            self._receipts.seen.training = True
            self._each("begin_training")

    # ---- the error boundary: whatever an optimization raises is handled here

    def _each(self, moment: str, *arguments: Any) -> None:
        for one in list(self._active):
            self._ask(one, getattr(one, moment), *arguments)

    def _change(self, active: list[Optimization], moment: str, value: Any) -> Any:
        for one in list(active):
            changed = self._ask(one, getattr(one, moment), value)
            if one in self._active:
                value = changed
        return value

    def _ask(self, one: Optimization, method: Callable[..., Any], *arguments: Any) -> Any:
        if one not in self._active:
            return None
        try:
            return method(*arguments)
        except Exception as error:  # noqa: BLE001 - this is the error boundary
            self._give_up(one, error)
            return None

    def _give_up(self, one: Optimization, error: Exception, others: int = 0) -> None:
        if isinstance(error, Declined):
            self._take_back(one, DECLINED, f"because {error}")
            return
        among = f" (caused by this or {'one other' if others == 1 else f'one of {others} others'})" if others else ""
        self._take_back(one, FAILED, f"{error_text(error)}{among}; training continues without it")

    def _take_back(self, one: Optimization, state: str, text: str) -> None:
        for those in (self._active, self._off):
            if one in those:
                those.remove(one)
        for plan in set(self._plans.values()):
            plan.leave_out(one)
        if self._thread.layers is not None:
            self._thread.layers.without(one)
        try:
            one.revert()
        except Exception as second:  # noqa: BLE001 - as above
            text += f", but not everything could be undone: {error_text(second)}"
        self._receipts.close(one.name, state, text)


def _nowhere(_: Any) -> str:
    return ""
