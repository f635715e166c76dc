"""The update of all parameters in one pass: torch's own ``fused``, else its ``foreach``."""

from __future__ import annotations

from typing import Any

from . import Optimization

KERNELS = {
    "Adam": "aten::_fused_adam_",
    "AdamW": "aten::_fused_adamw_",
    "SGD": "aten::_fused_sgd_",
    "Adagrad": "aten::_fused_adagrad_",
}
"""Optimizers of torch with a fused kernel, which some versions have for the CPU."""


class Switch(Optimization):
    name = "fused_optimizer"
    description = "torch's own fused or foreach form of the script's optimizer"
    conflicts = ("ipex",)

    def __init__(self, surroundings: Any) -> None:
        super().__init__(surroundings)
        self._changed: list[str] = []
        self._reason = "no optimizer of torch has made an update"

    def begin_optimizer(self, optimizer: Any) -> None:
        name = type(optimizer).__name__
        if type(optimizer).__module__.split(".")[:2] != ["torch", "optim"]:
            self._reason = f"{name} is none of torch's own optimizers"
            return
        mode = "fused" if self._has_kernel(name) else "foreach"
        groups = optimizer.param_groups
        if any(mode not in group for group in groups):
            self._reason = f"{name} of torch {self.torch.__version__} has neither form on the CPU"
        elif any(group.get("fused") is not None or group.get("foreach") is not None for group in groups):
            self._reason = "the script chooses fused or foreach itself"
        elif any(group.get("differentiable") or group.get("capturable") for group in groups):
            self._reason = f"{name} is differentiable or capturable here"
        elif not all(self._fits(parameter) for group in groups for parameter in group["params"]):
            self._reason = "some parameters are no float tensors on the CPU"
        else:
            self._switch(optimizer, mode)

    def receipt(self, steps: int) -> str:
        return "; ".join(self._changed)

    def no_effect(self) -> str:
        return self._reason

    def _switch(self, optimizer: Any, mode: str) -> None:
        groups = optimizer.param_groups
        number = sum(len(group["params"]) for group in groups)
        self.take_back(optimizer, lambda changed: _set(changed, mode, None))
        _set(optimizer, mode, True)
        self._changed.append(f"{type(optimizer).__name__} updates {number:,} parameters in {mode} form")

    def _has_kernel(self, name: str) -> bool:
        kernel = KERNELS.get(name)
        try:
            return kernel is not None and bool(self.torch._C._dispatch_has_kernel_for_dispatch_key(kernel, "CPU"))
        except RuntimeError:  # this torch does not know the operator
            return False

    def _fits(self, parameter: Any) -> bool:
        plain = parameter.device.type == "cpu" and parameter.layout == self.torch.strided
        return bool(plain and parameter.is_floating_point())


def _set(optimizer: Any, mode: str, value: bool | None) -> None:
    for group in (*optimizer.param_groups, optimizer.defaults):
        group[mode] = value
