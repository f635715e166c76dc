"""Compiles the model with torch.compile, and marks the steps that include compilation."""

from __future__ import annotations

import functools
import importlib
import weakref
from typing import Any

from ..isolation.dynamo import graphs, is_compiled
from . import Declined, LayerCall, Missing, Optimization, plural
from ._inspection import program_mentions

TWICE_DIFFERENTIABLE = {"create_graph": "create_graph", r"\btorch\.func\b": "torch.func", "functorch": "functorch"}
"""Regular expressions for code that may differentiate twice, each with its name."""
CHECKPOINTS = r"\bcheckpoint(_sequential)?\(|checkpointing"
"""Regular expression for code that recomputes activations."""


class Compile(Optimization):
    name = "compile"
    description = "torch.compile of the model; steps that compile are marked as warm-up"
    conflicts = ("frozen_bn", "ipex", "winograd")
    rank = 1
    acts_on = "model"
    risky = True
    clues = ("torch/_dynamo", "torch/_inductor", "torch/_functorch", "aot_autograd", "torch.compile", "double backward")

    def __init__(self, context: Any) -> None:
        super().__init__(context)
        self._models: list[str] = []
        self._compiled: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()
        self._users_own = False
        self._seen_s = 0.0
        self._warm_up_steps = 0

    def missing(self) -> Missing | None:
        names = (self.context.environment.get("CXX", ""), "g++", "clang++", "c++")
        if not any(name and self.context.find_program(name.split()[0]) for name in names):
            return Missing("torch.compile needs a C++ compiler on this machine", "install g++")
        return None

    def begin_model(self, model: Any) -> None:
        if is_compiled(model):
            self._users_own = True
            return
        for pattern, word in TWICE_DIFFERENTIABLE.items():
            file = program_mentions(pattern)
            if file:
                raise Declined(f"{file} uses {word}, and code made by torch.compile has no second derivative")
        dynamo = importlib.import_module("torch._dynamo")
        self.undo.append(functools.partial(setattr, dynamo.config, "suppress_errors", dynamo.config.suppress_errors))
        dynamo.config.suppress_errors = True  # what cannot be compiled runs as it is
        inductor: Any = importlib.import_module("torch._inductor.config")
        self.undo.append(functools.partial(setattr, inductor, "fallback_random", inductor.fallback_random))
        inductor.fallback_random = True  # the same random numbers as in a plain run
        if hasattr(inductor, "layout_optimization") and program_mentions(CHECKPOINTS):
            # Inside a checkpoint, it makes dropout draw its numbers in a different order (torch 2.14).
            self.undo.append(functools.partial(setattr, inductor, "layout_optimization", inductor.layout_optimization))
            inductor.layout_optimization = False
        # The function, not the bound method: compiled code must not keep the model alive. Inlined, because Dynamo skips
        # the frames of torch's own modules, such as Sequential, if a call begins with one.
        inline = getattr(importlib.import_module("torch._dynamo.external_utils"), "wrap_inline", _identity)
        self._compiled[model] = self.torch.compile(inline(self.torch.nn.Module._call_impl))
        self._models.append(type(model).__name__)

    def shows_in(self, activation: Any) -> bool:
        return bool(activation.requires_grad)  # the result is not computed from it, so it would get no gradient

    def change_call(self, model: Any, call: LayerCall) -> LayerCall:
        compiled = self._compiled.get(model)
        return call if compiled is None else compiled

    def busy(self) -> bool:
        if not self._models:
            return False
        total_s = self._total_s()
        compiling, self._seen_s = total_s > self._seen_s, total_s
        self._warm_up_steps += compiling
        return compiling

    def receipt(self, steps: int) -> str:
        if not self._models or not graphs():
            return ""
        breaks = sum(self._counters().get("graph_break", {}).values())
        return (
            f"{', '.join(self._models)} compiled into {plural(graphs(), 'graph')} with {plural(breaks, 'kind')} of "
            f"graph break; compiling took {self._seen_s:.1f} s in {plural(self._warm_up_steps, 'warm-up step')}"
        )

    def no_effect(self) -> str:
        return "the script compiles the model itself" if self._users_own else "torch.compile created no graph"

    def _counters(self) -> Any:
        return self.torch._dynamo.utils.counters

    def _total_s(self) -> float:
        """Seconds spent in Dynamo and the compilers that it calls."""
        metrics = getattr(self.torch._dynamo.utils, "compilation_time_metrics", {})
        outer = [times for name, times in metrics.items() if name.endswith(("compile_inner", "bw_compiler"))]
        return float(sum(map(sum, outer)))


def _identity(function: Any) -> Any:
    """Replaces the wrapper in a torch that lacks it."""
    return function
