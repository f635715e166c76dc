"""torchvision's residual blocks with frozen batch norm: normalization, shortcut and ReLU in one pass over memory."""

from __future__ import annotations

import sys
from typing import Any, cast

from torch import Tensor, nn

from profilednn_kernels._swaps import is_swapped, restore, swap, unfused
from profilednn_kernels.frozen_batch_norm import frozen_forward, is_frozen, normalize_frozen


def residual_forward(block: nn.Module, x: Tensor) -> Tensor | None:
    """The result of a residual block with frozen batch norms; None if `block` is not one or has hooks inside."""
    forward = _FORWARDS.get(unfused(block).__name__) if unfused(block) in residual_types() else None
    if forward is None or x.device.type != "cpu" or not _is_frozen(block) or _has_hooks(block):
        return None
    return forward(block, x)


def _basic(block: Any, x: Tensor) -> Tensor:
    out = _normalized(block.bn1, block.conv1(x))
    return _add_shortcut(block, x, block.bn2, block.conv2(out))


def _bottleneck(block: Any, x: Tensor) -> Tensor:
    out = _normalized(block.bn1, block.conv1(x))
    out = _normalized(block.bn2, block.conv2(out))
    return _add_shortcut(block, x, block.bn3, block.conv3(out))


_FORWARDS = {"BasicBlock": _basic, "Bottleneck": _bottleneck}


def _forward(self: Any, x: Tensor) -> Tensor:
    output = residual_forward(self, x)
    return cast(Tensor, self.unfused.forward(self, x)) if output is None else output


def replace_residual_blocks(model: nn.Module) -> int:
    """Fuses every residual block of `model` whose batch norms `replace_frozen_batch_norm` has fused; returns how many.

    `restore_frozen_batch_norm` undoes it. A block with hooks on a batch norm or its ReLU runs as before.
    """
    blocks = [module for module in model.modules() if type(module) in residual_types() and _is_fused(module)]
    for block in blocks:
        swap(block, _forward)
    return len(blocks)


def restore_frozen_batch_norm(model: nn.Module) -> int:
    """Undoes `replace_frozen_batch_norm` and `replace_residual_blocks`, and returns how many modules it changed."""
    return restore(model, normalize_frozen, _forward)


def residual_types() -> tuple[type[nn.Module], ...]:
    """Classes of torchvision's residual blocks, if the program has loaded them."""
    loaded = sys.modules.get("torchvision.models.resnet")
    return () if loaded is None else (loaded.BasicBlock, loaded.Bottleneck)


def norms_of(block: Any) -> list[nn.Module]:
    """The batch norms of a residual block."""
    return [getattr(block, name) for name in ("bn1", "bn2", "bn3") if hasattr(block, name)]


def _is_frozen(block: Any) -> bool:
    return type(block.relu) is nn.ReLU and all(map(is_frozen, norms_of(block)))


def _is_fused(block: Any) -> bool:
    return type(block.relu) is nn.ReLU and all(map(is_swapped, norms_of(block)))


def _has_hooks(block: Any) -> bool:
    """Whether hooks would miss the parts that are no longer called."""
    hooks = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    return any(getattr(part, name) for part in (*norms_of(block), block.relu) for name in hooks)


def _normalized(norm: nn.Module, x: Tensor, residual: Tensor | None = None) -> Tensor:
    output = frozen_forward(norm, x, residual, relu=True)
    if output is not None:
        return output
    normal = norm(x)
    return cast(Tensor, (normal if residual is None else normal + residual).relu())


def _add_shortcut(block: Any, x: Tensor, norm: nn.Module, out: Tensor) -> Tensor:
    return _normalized(norm, out, residual=x if block.downsample is None else block.downsample(x))
