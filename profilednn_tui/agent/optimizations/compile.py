"""The model compiled by torch.compile; the steps that pay for compiling are marked."""

from __future__ import annotations

import functools
import importlib
import weakref
from typing import Any

from ..isolation.dynamo import graphs, is_compiled
from . import Declined, LayerCall, Missing, Optimization, plural
from ._inspection import program_mentions

TWICE_DIFFERENTIABLE = {"create_graph": "create_graph", r"\btorch\.func\b": "torch.func", "functorch": "functorch"}
"""What a program that may differentiate twice says: a regular expression, and its name."""
CHECKPOINTS = r"\bcheckpoint(_sequential)?\(|checkpointing"
"""What a program that computes activations again says."""


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
                raise Declined(f"{file} uses {word}, and what torch.compile makes has no second derivative")
        dynamo = importlib.import_module("torch._dynamo")
        self.undo.append(functools.partial(setattr, dynamo.config, "suppress_errors", dynamo.config.suppress_errors))
        dynamo.config.suppress_errors = True  # what cannot be compiled runs as it is
        inductor: Any = importlib.import_module("torch._inductor.config")
        self.undo.append(functools.partial(setattr, inductor, "fallback_random", inductor.fallback_random))
        inductor.fallback_random = True  # the same random numbers as without
        if hasattr(inductor, "layout_optimization") and program_mentions(CHECKPOINTS):
            # Below a checkpoint it lets dropout draw its numbers in another order (torch 2.14).
            self.undo.append(functools.partial(setattr, inductor, "layout_optimization", inductor.layout_optimization))
            inductor.layout_optimization = False
        # The function, not the method: what is compiled must not keep the model alive. Inline, because Dynamo skips the
        # frames of torch's own modules, Sequential among them, where a call begins with one.
        inline = getattr(importlib.import_module("torch._dynamo.external_utils"), "wrap_inline", _as_it_is)
        self._compiled[model] = self.torch.compile(inline(self.torch.nn.Module._call_impl))
        self._models.append(type(model).__name__)

    def shows_in(self, activation: Any) -> bool:
        return bool(activation.requires_grad)  # it is no part of what the result is computed from, and gets no gradient

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
        return "the script compiles the model itself" if self._users_own else "torch.compile made no graph of the model"

    def _counters(self) -> Any:
        return self.torch._dynamo.utils.counters

    def _total_s(self) -> float:
        """Seconds that Dynamo and the compilers below it have taken."""
        metrics = getattr(self.torch._dynamo.utils, "compilation_time_metrics", {})
        outer = [times for name, times in metrics.items() if name.endswith(("compile_inner", "bw_compiler"))]
        return float(sum(map(sum, outer)))


def _as_it_is(function: Any) -> Any:
    """For a torch that has no such wrapper."""
    return function
