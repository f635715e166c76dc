"""Updates all parameters in one pass, in torch's own ``fused`` form or else in its ``foreach`` form.

The form is chosen where torch itself chooses it, anew for each update, when the gradients are known. It leaves no trace
in the optimizer, its groups or its state.
"""

from __future__ import annotations

import functools
import importlib
from typing import Any

from ..isolation.dynamo import graphs
from . import Optimization, plural

FUSED = {
    "Adam": ("adam", "aten::_fused_adam_"),
    "AdamW": ("adamw", "aten::_fused_adamw_"),
    "SGD": ("sgd", "aten::_fused_sgd_"),
    "Adagrad": ("adagrad", "aten::_fused_adagrad_"),
}
"""torch optimizers with a fused kernel, which only some versions have for the CPU: module of the update, and kernel."""
FOREACH = {
    "Adadelta": "adadelta", "Adamax": "adamax", "ASGD": "asgd", "NAdam": "nadam", "RAdam": "radam",
    "RMSprop": "rmsprop", "Rprop": "rprop",
}  # fmt: skip


class FusedOptimizer(Optimization):
    name = "fused_optimizer"
    description = "torch's own fused or foreach form of the script's optimizer"
    live = True
    conflicts = ("ipex",)
    acts_on = "optimizer"
    clues = ("_fused_", "_foreach_")

    def __init__(self, context: Any) -> None:
        super().__init__(context)
        self._groups: dict[tuple[str, str], dict[int, int]] = {}
        """By optimizer and form: the number of parameters in each group, identified by its first parameter."""
        self._others: list[str] = []
        self._reason = ""
        self._off = False

    def begin_torch(self) -> None:
        for name, (file, kernel) in FUSED.items():
            self._offer(name, file, "fused" if self._has_kernel(kernel) else "foreach")
        for name, file in FOREACH.items():
            self._offer(name, file, "foreach")

    def begin_optimizer(self, optimizer: Any) -> None:
        if not type(optimizer).__module__.startswith("torch.optim"):
            self._others.append(type(optimizer).__name__)

    def switch_off(self) -> None:
        self._off = True

    def switch_on(self) -> None:
        self._off = False

    def receipt(self, steps: int) -> str:
        return "; ".join(
            f"{name} updates {plural(sum(groups.values()), 'parameter')} in {form} form"
            for (name, form), groups in self._groups.items()
        )

    def no_effect(self) -> str:
        if self._reason:
            return self._reason
        if self._others:
            return f"{self._others[0]} is not one of torch's own optimizers"
        if graphs():
            return "outside of what the script compiles, no update could take another form"
        return f"the program's optimizer has neither form in torch {self.torch.__version__} on the CPU"

    def _offer(self, name: str, file: str, form: str) -> None:
        try:
            module = importlib.import_module(f"torch.optim.{file}")
            original = vars(module)[file]
        except (ImportError, KeyError):
            return
        compiling = self.torch.compiler.is_compiling

        @functools.wraps(original)
        def update(*lists: Any, **keywords: Any) -> Any:
            if not self._off and not compiling() and len(lists) > 1 and self._allows(name, form, lists, keywords):
                keywords[form] = True
            return original(*lists, **keywords)

        self.replace(module, file, update)

    def _allows(self, name: str, form: str, lists: Any, keywords: Any) -> bool:
        """Whether this update may take the form; records it, or the reason against it."""
        parameters, gradients, *state = lists
        try:
            reason = self._why_not(form, parameters, gradients, state, keywords)
        except Exception as error:  # noqa: BLE001 - some kinds of tensors cannot be inspected
            reason = f"its tensors cannot be inspected ({type(error).__name__})"
        if reason:
            self._reason = reason
        elif parameters:
            shown = "AdamW" if keywords.get("decoupled_weight_decay") is True and name == "Adam" else name
            self._groups.setdefault((shown, form), {})[id(parameters[0])] = len(parameters)
        return not reason

    def _why_not(self, form: str, parameters: Any, gradients: Any, state: Any, keywords: Any) -> str:
        torch = self.torch
        if keywords.get("fused") is not None or keywords.get("foreach") is not None:
            return "the script chooses fused or foreach itself"
        if keywords.get("differentiable") or keywords.get("capturable") or isinstance(keywords.get("lr"), torch.Tensor):
            return "the optimizer is differentiable or capturable, or its learning rate is a tensor"
        plain = (torch.Tensor, torch.nn.Parameter)
        for parameter, gradient in zip(parameters, gradients):
            if gradient.layout != torch.strided or parameter.layout != torch.strided:
                return "its gradients are sparse"
            if type(parameter) not in plain or type(gradient) not in plain or not parameter.is_cpu:
                return "some parameters are not plain CPU tensors"
            if not parameter.is_floating_point() or gradient.dtype != parameter.dtype:
                return "some parameters are not floating-point tensors, or differ in type from their gradients"
            if form == "fused" and not _same_layout(torch, parameter, gradient):
                return "some parameters are not dense in memory, or differ in layout from their gradients"
        return self._why_not_state(parameters, state) if form == "fused" else ""

    def _why_not_state(self, parameters: Any, state: Any) -> str:
        for tensors in state:
            if not isinstance(tensors, list) or not tensors:
                continue
            missing = sum(tensor is None for tensor in tensors)
            if missing not in (0, len(tensors)):
                return "some parameters have had no gradient before"
            for parameter, tensor in zip(parameters, tensors if not missing else ()):
                if tensor.dim() == 0 and tensor.dtype != self.torch.float32:
                    return "its step counter is not float32"
                if tensor.shape == parameter.shape and tensor.dim() and _strides(tensor) != _strides(parameter):
                    return "its state differs in memory layout from its parameters"
        return ""

    def _has_kernel(self, kernel: str) -> bool:
        try:
            return bool(self.torch._C._dispatch_has_kernel_for_dispatch_key(kernel, "CPU"))
        except RuntimeError:  # this torch does not know the operator
            return False


def _same_layout(torch: Any, parameter: Any, gradient: Any) -> bool:
    """Whether a kernel that walks through both in memory order pairs the same elements."""
    if _strides(parameter) != _strides(gradient):
        return False
    formats = {4: torch.channels_last, 5: torch.channels_last_3d}
    last = formats.get(parameter.dim())
    return bool(parameter.is_contiguous() or (last is not None and parameter.is_contiguous(memory_format=last)))


def _strides(tensor: Any) -> Any:
    """The strides that matter: those of dimensions of size 1 do not."""
    strides = tensor.stride()
    return [step for step, size in zip(strides, tensor.shape) if size != 1] if 1 in tensor.shape else list(strides)
