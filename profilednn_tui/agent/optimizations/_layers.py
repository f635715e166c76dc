"""Properties of the program's modules that optimizations need to know."""

from __future__ import annotations

import sys
from typing import Any

_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
_SHARED = tuple(f"_global{name}" for name in _HOOKS)


def has_hooks(module: Any) -> bool:
    """Whether hooks see the inputs and outputs of a module: then it is called as it is."""
    shared = sys.modules["torch.nn.modules.module"]
    return any(getattr(module, name, None) for name in _HOOKS) or any(getattr(shared, name, None) for name in _SHARED)


def fake_quantizer() -> tuple[type, ...]:
    """The class of modules that simulate quantization, if the program has loaded it."""
    loaded = sys.modules.get("torch.ao.quantization.fake_quantize")
    return (loaded.FakeQuantizeBase,) if loaded is not None else ()


def fake_quantized(model: Any) -> bool:
    """Whether the model is prepared for quantization-aware training."""
    kinds = fake_quantizer()
    return any(isinstance(module, kinds) for module in model.modules())


def shares_memory(model: Any) -> str:
    """Why the model's parameters cannot be moved to other memory: theirs may be in use elsewhere. Empty if they can."""
    seen: dict[int, Any] = {}
    for name, parameter in model.named_parameters():
        storage = parameter.untyped_storage()
        if parameter.is_shared():
            return f"{name} is in memory shared between processes"
        if storage.nbytes() != parameter.numel() * parameter.element_size() or storage.data_ptr() in seen:
            return f"{name} is part of a larger tensor, or shares its memory with another"
        seen[storage.data_ptr()] = parameter
    return ""
