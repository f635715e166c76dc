"""Checks of arguments. Each error says in one sentence what is wrong and what to pass instead."""

from __future__ import annotations

import torch

from profilednn_kernels._library import DTYPES


def check_on_cpu(name: str, tensor: torch.Tensor) -> None:
    if tensor.device.type != "cpu":
        raise ValueError(f"{name} is on {tensor.device}, but this kernel runs on the CPU: pass a CPU tensor.")


def check_floating(name: str, tensor: torch.Tensor) -> None:
    check_on_cpu(name, tensor)
    if tensor.dtype not in DTYPES:
        raise TypeError(
            f"{name} is {tensor.dtype}, but this kernel takes float32, float64, bfloat16 and float16: convert it."
        )


def check_same_shape(name: str, tensor: torch.Tensor, other_name: str, other: torch.Tensor) -> None:
    if tensor.shape != other.shape:
        raise ValueError(
            f"{name} has shape {tuple(tensor.shape)} and {other_name} {tuple(other.shape)}: they must be the same."
        )


def check_constant(name: str, tensor: torch.Tensor) -> None:
    if tensor.requires_grad:
        raise ValueError(f"{name} requires grad, but this kernel gives it no gradient: pass {name}.detach().")


def check_no_double_backward(kernel: str) -> None:
    # Gradients are computed with grad mode on only when the caller asked for create_graph=True.
    if torch.is_grad_enabled():
        raise RuntimeError(
            f"{kernel} has no second derivative: call backward without create_graph=True, or use the unfused operator."
        )
