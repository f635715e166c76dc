"""The sigmoid focal loss and its gradient in one pass, and RetinaNet's loss from class indices."""

from __future__ import annotations

import functools
import inspect
import sys
from typing import Any

from . import Declined, Missing, Optimization, each_step
from ._inspection import program_mentions
from ._kernels import kernels, missing_kernels

FUNCTION_MODULE = "torchvision.ops.focal_loss"
HEAD_MODULE = "torchvision.models.detection.retinanet"
BRIDGE = "_profilednn_sigmoid_focal_loss"
"""Global in torchvision's module that the new code of its function calls."""
HEAD_PARAMETERS = ["self", "targets", "head_outputs", "matched_idxs"]


class FusedFocalLoss(Optimization):
    name = "fused_focal_loss"
    description = "torchvision's sigmoid_focal_loss and RetinaNet's classification loss as one fused kernel"
    live = True
    rank = -1  # bf16 then leaves alone what computes in float32 anyway

    def __init__(self, context: Any) -> None:
        super().__init__(context)
        self._calls = {"sigmoid_focal_loss": 0, "RetinaNetClassificationHead.compute_loss": 0}
        self._replaced: list[str] = []
        self._taken_back: list[Any] = []
        self._failure = ""

    def missing(self) -> Missing | None:
        return missing_kernels(self.context)

    def begin_training(self) -> None:
        self._replace()

    def begin_model(self, model: Any) -> None:
        self._replace()

    def hide(self) -> None:
        while self._taken_back:
            self._taken_back.pop()()
        self._replaced.clear()

    def show(self) -> None:
        self._replace()

    def switch_off(self) -> None:
        self.hide()

    def switch_on(self) -> None:
        self._replace()

    def revert(self) -> None:
        self.hide()
        super().revert()

    def _replace(self) -> None:
        if self._replaced or self._failure or not {FUNCTION_MODULE, HEAD_MODULE}.intersection(sys.modules):
            return
        file = program_mentions("create_graph")
        if file:
            raise Declined(f"{file} uses create_graph, and the fused loss has no second derivative")
        before = len(self.undo)
        self._replace_function()
        self._replace_head()
        self._taken_back, self.undo[before:] = self.undo[before:], []

    def receipt(self, steps: int) -> str:
        used = [f"{name} replaced, {each_step(calls, steps)}" for name, calls in self._calls.items() if calls]
        return "; ".join([*used, *([self._failure] if self._failure else [])]) if used else ""

    def no_effect(self) -> str:
        if self._failure:
            return self._failure
        if not self._replaced:
            return "the script has not imported torchvision's focal loss"
        return f"training does not call {' or '.join(self._replaced)}"

    def _replace_function(self) -> None:
        """Give the function new code: all references to it, however and whenever imported, are the same object."""
        module: Any = sys.modules.get(FUNCTION_MODULE)
        function = getattr(module, "sigmoid_focal_loss", None)
        if not inspect.isfunction(function):
            return
        fused, original = kernels().sigmoid_focal_loss, _copy(function)
        calls, name = self._calls, "sigmoid_focal_loss"

        def bridge(inputs: Any, targets: Any, alpha: float, gamma: float, reduction: str) -> Any:
            try:
                # For invalid values, torchvision raises its own error.
                loss = fused(inputs, targets, alpha, gamma, reduction) if alpha == -1 or 0 <= alpha <= 1 else None
            except (TypeError, ValueError, RuntimeError) as error:
                self._failed(name, error)
                loss = None
            if loss is None:
                return original(inputs, targets, alpha, gamma, reduction)
            calls[name] += 1
            return loss

        self.replace(module, BRIDGE, bridge)
        self.undo.append(functools.partial(setattr, function, "__code__", function.__code__))
        function.__code__ = _new_code()
        self._replaced.append(name)

    def _replace_head(self) -> None:
        module: Any = sys.modules.get(HEAD_MODULE)
        head = getattr(module, "RetinaNetClassificationHead", None)
        original = vars(head).get("compute_loss") if head is not None else None
        if original is None or list(inspect.signature(original).parameters) != HEAD_PARAMETERS:
            return
        fused = kernels().retinanet_classification_loss
        calls, name = self._calls, "RetinaNetClassificationHead.compute_loss"

        @functools.wraps(original)
        def compute_loss(self_: Any, targets: Any, head_outputs: Any, matched_idxs: Any) -> Any:
            try:
                loss = fused(self_, targets, head_outputs, matched_idxs)
            except (TypeError, ValueError, RuntimeError, IndexError) as error:
                self._failed(name, error)
                return original(self_, targets, head_outputs, matched_idxs)
            calls[name] += 1
            return loss

        compute_loss.keeps_float32 = True  # type: ignore[attr-defined] # the kernel computes in float32
        self.replace(head, "compute_loss", compute_loss)
        self._replaced.append(name)

    def _failed(self, name: str, error: Exception) -> None:
        self._failure = f"one or more calls of {name} used the original code ({error})"


def _copy(function: Any) -> Any:
    from types import FunctionType

    copy = FunctionType(function.__code__, function.__globals__, function.__name__, function.__defaults__)
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


def _new_code() -> Any:
    def sigmoid_focal_loss(inputs, targets, alpha, gamma, reduction):  # type: ignore[no-untyped-def]
        return _profilednn_sigmoid_focal_loss(inputs, targets, alpha, gamma, reduction)  # type: ignore[name-defined] # noqa: F821

    return sigmoid_focal_loss.__code__
