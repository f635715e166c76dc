"""torchvision's residual blocks with frozen batch norm: normalization, shortcut and ReLU in one pass over memory."""

from __future__ import annotations

from typing import Any, cast

from torch import Tensor, nn

from profilednn_kernels._swaps import is_swapped, restore, swap
from profilednn_kernels.frozen_batch_norm import apply_frozen, normalize_frozen


def _basic_forward(self: Any, x: Tensor) -> Tensor:
    if not _fits(self, x):
        return cast(Tensor, self.unfused.forward(self, x))
    out = apply_frozen(self.bn1, self.conv1(x), relu=True)
    return _add_shortcut(self, x, self.bn2, self.conv2(out))


def _bottleneck_forward(self: Any, x: Tensor) -> Tensor:
    if not _fits(self, x):
        return cast(Tensor, self.unfused.forward(self, x))
    out = apply_frozen(self.bn1, self.conv1(x), relu=True)
    out = apply_frozen(self.bn2, self.conv2(out), relu=True)
    return _add_shortcut(self, x, self.bn3, self.conv3(out))


FORWARDS = {"BasicBlock": _basic_forward, "Bottleneck": _bottleneck_forward}


def replace_residual_blocks(model: nn.Module) -> int:
    """Fuses every residual block of `model` whose batch norms `replace_frozen_batch_norm` has fused; their number.

    `restore_frozen_batch_norm` undoes it. A block with hooks on a batch norm or its ReLU runs as before.
    """
    blocks = [module for module in model.modules() if type(module) in _classes() and _is_frozen(module)]
    for block in blocks:
        swap(block, FORWARDS[type(block).__name__])
    return len(blocks)


def restore_frozen_batch_norm(model: nn.Module) -> int:
    """Undoes `replace_frozen_batch_norm` and `replace_residual_blocks`, and returns how many modules it changed."""
    return restore(model, normalize_frozen, *FORWARDS.values())


def _classes() -> tuple[type[nn.Module], ...]:
    try:
        from torchvision.models.resnet import BasicBlock, Bottleneck
    except ImportError:
        return ()
    return BasicBlock, Bottleneck


def _parts(block: Any) -> list[Any]:
    return [getattr(block, name) for name in ("bn1", "bn2", "bn3", "relu") if hasattr(block, name)]


def _is_frozen(block: nn.Module) -> bool:
    *norms, relu = _parts(block)
    return type(relu) is nn.ReLU and all(map(is_swapped, norms))


def _fits(block: nn.Module, x: Tensor) -> bool:
    hooks = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    quiet = not any(getattr(part, name) for part in _parts(block) for name in hooks)
    return quiet and x.device.type == "cpu" and _is_frozen(block)


def _add_shortcut(block: Any, x: Tensor, norm: nn.Module, out: Tensor) -> Tensor:
    shortcut = x if block.downsample is None else block.downsample(x)
    if shortcut.dtype != out.dtype:
        return cast(Tensor, block.relu(norm(out) + shortcut))
    return apply_frozen(norm, out, residual=shortcut, relu=True)
