"""Skips backward work for parameters that no optimizer updates.

The backward pass computes gradients only for all other leaves, with ``inputs=``; parameters, modules and the graph stay
as they are. This begins after a few backward passes in which nothing read, changed or hooked such a parameter.
"""

from __future__ import annotations

import functools
import importlib
import os
import sys
import weakref
from typing import Any

from ..isolation.guard import OUR_FOLDER
from ..parentage import is_distributed
from . import Declined, Optimization, plural
from ._inspection import program_mentions

OBSERVED = 3
"""Number of backward passes before any work is skipped."""
READERS = r"\.grad\b|clip_grad|retain_grad|register_hook|register_post_accumulate|get_total_norm"
"""Regular expression for code that reads gradients itself, perhaps only after many steps."""
HARMLESS = tuple(os.path.join("torch", *names) for names in (("optim", ""), ("nn", "modules", "module.py")))
"""Code that may read such a gradient: optimizers use those of other parameters, modules set it to None, and torch's
profiler reads those of all parameters of a called module."""


class FrozenBackward(Optimization):
    name = "frozen_backward"
    description = "no backward work for parameters that no optimizer updates, nor for the layers before them"
    live = True
    conflicts = ("ipex",)
    acts_on = "optimizer"

    def __init__(self, context: Any) -> None:
        super().__init__(context)
        tensors = importlib.import_module("torch.utils.weak").WeakIdKeyDictionary
        self._owned = tensors()
        """Parameters of optimizers."""
        self._known: weakref.WeakSet[Any] = weakref.WeakSet()
        """Optimizers seen so far."""
        self._updates = 0
        self._passes = 0
        self._next_check = OBSERVED
        self._unowned = tensors()
        """Parameters without an optimizer that a backward pass has reached, with a checksum of their values."""
        self._frozen = tensors()
        """Those among them that no longer get a gradient."""
        self._count = 0
        self._already = 0
        self._reader = ""
        self._own_function = ""

    def begin_torch(self) -> None:
        optimizer = self.torch.optim.Optimizer
        original = optimizer.add_param_group

        @functools.wraps(original)
        def add_param_group(self_: Any, param_group: Any) -> Any:
            result = original(self_, param_group)
            self._know(self_)
            return result

        self.replace(optimizer, "add_param_group", add_param_group)
        restore = optimizer.__setstate__

        @functools.wraps(restore)
        def __setstate__(self_: Any, state: Any) -> None:  # noqa: N807
            restore(self_, state)  # called for copied and for unpickled optimizers
            self._know(self_)

        self.replace(optimizer, "__setstate__", __setstate__)
        self._watch_readers()

    def begin_model(self, model: Any) -> None:
        self._already += sum(not parameter.requires_grad for parameter in model.parameters())

    def change_backward(self, tensors: Any, keywords: dict[str, Any]) -> dict[str, Any]:
        if not self._known:
            return keywords
        if self._reader:
            raise Declined(f"the gradient of a parameter that no optimizer updates is read ({self._reader})")
        for optimizer in list(self._known):  # their groups may have been changed by hand
            self._know(optimizer)
        leaves = self._leaves(tensors)
        if leaves is None:
            return keywords
        self._passes += 1
        mine = [leaf for leaf in leaves if isinstance(leaf, self.torch.nn.Parameter) and leaf not in self._owned]
        if self._passes <= OBSERVED or self._passes >= self._next_check:
            self._observe(mine)
        if self._passes <= OBSERVED or self._updates < OBSERVED:
            return keywords
        for leaf in mine:
            if leaf in self._unowned:
                self._frozen[leaf] = True
        kept = [leaf for leaf in leaves if leaf not in self._frozen]
        if len(kept) == len(leaves) or not kept:
            return keywords
        self._count = max(self._count, len(leaves) - len(kept))
        return {**keywords, "inputs": kept}

    def before_update(self, optimizer: Any) -> None:
        self._updates += 1
        self._know(optimizer)

    def receipt(self, steps: int) -> str:
        if not self._count:
            return ""
        return f"no backward work for {plural(self._count, 'parameter')} that no optimizer updates"

    def no_effect(self) -> str:
        if self._own_function:
            return f"the backward pass runs Python code ({self._own_function}), which may read any gradient"
        if self._passes <= OBSERVED:
            return f"no work is skipped before {OBSERVED} backward passes were observed, and there were {self._passes}"
        frozen = f" ({plural(self._already, 'parameter')} frozen by the script: torch skips those by itself)"
        return f"an optimizer updates every parameter that gets a gradient{frozen if self._already else ''}"

    def revert(self) -> None:
        super().revert()
        self._frozen.clear()

    def _know(self, optimizer: Any) -> None:
        """Take note of the parameters that an optimizer has now."""
        self._known.add(optimizer)
        for group in getattr(optimizer, "param_groups", ()):
            for parameter in group["params"]:
                if parameter not in self._owned:
                    self._owned[parameter] = True
                    self._frozen.pop(parameter, None)  # a later optimizer needs its gradient
                    self._unowned.pop(parameter, None)

    def _observe(self, parameters: list[Any]) -> None:
        """Raise `Declined` if anything else uses the parameters that no optimizer updates."""
        if parameters and is_distributed(self.torch):
            raise Declined("other ranks wait for the gradients of all parameters")
        self._next_check = max(OBSERVED + 1, 2 * self._passes)
        file = program_mentions(READERS) if parameters else ""
        if file:
            raise Declined(f"{file} reads gradients itself, and may read one that no optimizer needs")
        for parameter in parameters:
            if parameter._backward_hooks or getattr(parameter, "_post_accumulate_grad_hooks", None):
                raise Declined("the program has hooks on the gradients of parameters that no optimizer updates")
            found = _sum(parameter)
            before = self._unowned.setdefault(parameter, found)
            if before != found:
                raise Declined("parameters that no optimizer updates are changed by the program itself")

    def _leaves(self, tensors: Any) -> list[Any] | None:
        """The tensors that get a gradient in this backward pass; None if it must run unchanged."""
        ends = (tensors,) if isinstance(tensors, self.torch.Tensor) else tuple(tensors)
        pending = [tensor.grad_fn for tensor in ends]
        leaves = [tensor for tensor in ends if tensor.grad_fn is None and tensor.requires_grad]
        seen: set[Any] = set()
        python = self.torch.autograd.function.BackwardCFunction
        while pending:
            node = pending.pop()
            if node is None or node in seen:
                continue
            seen.add(node)
            if isinstance(node, python) and "profilednn" not in node.name():
                self._own_function = node.name()
                return None
            variable = getattr(node, "variable", None)
            if variable is not None:
                leaves.append(variable)
            pending += [following for following, _ in node.next_functions]
        return leaves

    def _watch_readers(self) -> None:
        """Detect code that reads a gradient that would be missing."""
        base = self.torch._C.TensorBase.grad
        unowned = self._unowned

        def read(parameter: Any) -> Any:
            if unowned and parameter in unowned and not self._reader:
                caller = sys._getframe(1)
                file = caller.f_code.co_filename
                if not file.startswith(OUR_FOLDER) and not any(place in file for place in HARMLESS):
                    self._reader = f"{os.path.basename(file)}:{caller.f_lineno}"
            return base.__get__(parameter)

        self.replace(self.torch.nn.Parameter, "grad", property(read, base.__set__, base.__delete__))


def _sum(parameter: Any) -> float:
    with_values = parameter.detach()
    return float(with_values.double().sum()) + float(with_values.flatten()[:1].double().sum())
