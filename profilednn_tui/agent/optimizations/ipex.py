"""Intel's extension for PyTorch, whose last version needs torch 2.8: `ipex.optimize` with the model's own optimizer."""

from __future__ import annotations

import functools
import importlib
import types
import weakref
from importlib import metadata
from typing import Any

from . import Declined, Missing, Optimization
from ._layers import fake_quantized, shares_memory

PACKAGE = "intel_extension_for_pytorch"
NOT_FUSED = "master_param_non_fused_step"
"""Intel's update that calls torch's own, including its hooks."""


class IntelExtension(Optimization):
    name = "ipex"
    description = "Intel's extension for PyTorch: ipex.optimize of model and optimizer, in bfloat16 together with bf16"
    conflicts = ("compile", "frozen_backward", "fused_optimizer")
    rank = 1
    acts_on = "model"
    changes_model = True
    risky = True
    clues = ("intel_extension_for_pytorch", "torch_ipex", "ipex")

    def __init__(self, context: Any) -> None:
        super().__init__(context)
        self._optimizers: weakref.WeakSet[Any] = weakref.WeakSet()
        self._changed: list[str] = []
        self._reason = "no model was called with gradients"

    def missing(self) -> Missing | None:
        try:
            version = metadata.version(PACKAGE)
        except metadata.PackageNotFoundError:
            return Missing(
                "Intel's extension for PyTorch is not installed, and its last version needs torch 2.8",
                "use an environment with torch 2.8: `make ipex-env`, then --python .venv-ipex/bin/python",
            )
        torch = str(self.context.torch.__version__)
        if version.split(".")[:2] != torch.split(".")[:2]:
            return Missing(
                f"Intel's extension {version} needs the same version of torch, but this is torch {torch}",
                f"pip install torch=={'.'.join(version.split('+')[0].split('.')[:2])}.* in the target's environment",
            )
        return None

    def begin_torch(self) -> None:
        importlib.import_module(PACKAGE)
        optimizer = self.torch.optim.Optimizer
        original = optimizer.__init__

        @functools.wraps(original)
        def __init__(self_: Any, *arguments: Any, **keywords: Any) -> None:  # noqa: N807
            original(self_, *arguments, **keywords)
            self._optimizers.add(self_)

        self.replace(optimizer, "__init__", __init__)

    def begin_model(self, model: Any) -> None:
        parameters = {id(parameter) for parameter in model.parameters()}
        optimizer = next((one for one in self._optimizers if self._holds(one, parameters)), None)
        if optimizer is None:
            self._reason = "no optimizer had the model's parameters at its first call with gradients"
            return
        if fake_quantized(model):
            raise Declined("it is fake-quantized")
        shared = shares_memory(model)
        if shared:
            raise Declined(f"ipex.optimize moves parameters to other memory, and {shared}")
        bfloat16 = "bf16" in self.context.others
        dtype = self.torch.bfloat16 if bfloat16 else self.torch.float32
        extension = importlib.import_module(PACKAGE)
        # In place, because the script holds references to both; without prepacking weights for a sample input, which we
        # do not have.
        extension.optimize(model, dtype=dtype, optimizer=optimizer, inplace=True)
        self._keep_hooks(optimizer)
        packed = [type(module).__name__ for module in model.modules() if type(module).__module__.startswith(PACKAGE)]
        kinds = ", ".join(f"{packed.count(kind)} {kind}" for kind in sorted(set(packed)))
        self._changed.append(
            f"{type(model).__name__} and {type(optimizer).__name__} optimized for {str(dtype)[6:]}: "
            f"{kinds or 'no module replaced'}"
        )

    def _keep_hooks(self, optimizer: Any) -> None:
        """Restore torch's hooks, which Intel's fused update bypasses: the program's, and those that end our steps."""
        update = getattr(vars(optimizer).get("step"), "__func__", None)
        if update is not None and update.__name__ != NOT_FUSED:
            hooked = self.torch.optim.Optimizer.profile_hook_step(update)
            optimizer.step = types.MethodType(hooked, optimizer)

    def receipt(self, steps: int) -> str:
        return "; ".join(self._changed)

    def no_effect(self) -> str:
        return self._reason

    @staticmethod
    def _holds(optimizer: Any, parameters: set[int]) -> bool:
        return any(id(one) in parameters for group in optimizer.param_groups for one in group["params"])
