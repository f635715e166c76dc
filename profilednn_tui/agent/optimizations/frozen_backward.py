"""No backward work for parameters that no optimizer updates."""

from __future__ import annotations

import functools
import weakref
from typing import Any

from . import Optimization, plural


class Switch(Optimization):
    name = "frozen_backward"
    description = "no gradients for parameters that no optimizer updates, and no backward work for layers before them"

    def __init__(self, surroundings: Any) -> None:
        super().__init__(surroundings)
        self._owned: set[int] = set()
        self._frozen: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
        self._count = 0
        self._already = 0
        self._optimizers = 0

    def begin_torch(self) -> None:
        optimizer = self.torch.optim.Optimizer
        original = optimizer.add_param_group

        @functools.wraps(original)
        def add_param_group(self_: Any, param_group: Any) -> Any:
            result = original(self_, param_group)
            self._own(self_.param_groups[-1]["params"])
            return result

        self.replace(optimizer, "add_param_group", add_param_group)

    def begin_model(self, model: Any) -> None:
        if not self._optimizers:
            return
        for parameter in model.parameters():
            if not parameter.requires_grad:
                self._already += id(parameter) not in self._frozen
            elif id(parameter) not in self._owned and parameter.is_leaf:
                parameter.requires_grad_(False)
                self._frozen[id(parameter)] = parameter
                self._count += 1

    def receipt(self, steps: int) -> str:
        if not self._count:
            return ""
        return f"{plural(self._count, 'parameter')} that no optimizer updates get no gradient any more"

    def no_effect(self) -> str:
        if not self._optimizers:
            return "no optimizer of torch was there at the first forward pass"
        frozen = f" ({plural(self._already, 'parameter')} frozen by the script: torch leaves those out by itself)"
        return f"an optimizer updates every parameter that gets a gradient{frozen if self._already else ''}"

    def revert(self) -> None:
        super().revert()
        for parameter in self._frozen.values():
            parameter.requires_grad_(True)
        self._frozen.clear()

    def _own(self, parameters: Any) -> None:
        self._optimizers += 1
        for parameter in parameters:
            self._owned.add(id(parameter))
            if self._frozen.pop(id(parameter), None) is not None:
                self._count -= 1
                parameter.requires_grad_(True)  # an optimizer that came later wants it
