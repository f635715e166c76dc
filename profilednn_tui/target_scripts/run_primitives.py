"""Repeats calls that make oneDNN run known primitives, and measures the machine's best performance.

A script for the target's interpreter, run by its path: ``python run_primitives.py < ORDER``. The order is a JSON object
from the host; the answer is oneDNN's own log on stdout, between lines ``profilednn,MODE,NUMBER``:

    turn      all calls one after the other, as in a step: the caches hold what the other calls left
    warm      one call many times in a row
    cold      the same, with other data moved through the caches in between
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

CACHE_BYTES = 1 << 26
"""Twice the largest cache of common processors."""
MIN_POOL_BYTES = 1 << 28


class Pool:
    """Tensors for the calls; equal ones are shared, and the oldest are dropped when there are too many."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._tensors: dict[Any, Any] = {}

    def take(self, shape: Any, dtype: Any, channels_last: bool = False, number: int = 0) -> Any:
        """A tensor of random numbers."""
        key = (tuple(shape), dtype, channels_last, number)
        tensor = self._tensors.pop(key, None)
        if tensor is None:
            tensor = torch.rand(*shape).to(dtype)
            if channels_last and tensor.dim() in (4, 5):
                three = tensor.dim() == 5
                tensor = tensor.contiguous(memory_format=torch.channels_last_3d if three else torch.channels_last)
        self._tensors[key] = tensor
        while sum(one.numel() * one.element_size() for one in self._tensors.values()) > self._limit_bytes:
            if len(self._tensors) <= 4:
                break
            del self._tensors[next(iter(self._tensors))]
        return tensor


def convolution(call: Any, pool: Pool) -> Any:
    """The forward pass of a convolution, or one of its two gradients."""
    dtype, last = getattr(torch, call["dtype"]), call["channels_last"]
    x = pool.take(call["input"], dtype, last)
    weight = pool.take(call["weight"], dtype, last)
    outputs = call["weight"][0]
    if call["pass"].startswith("FWD"):
        bias = pool.take([outputs], dtype) if call["bias"] else None
        run = (nn.functional.conv1d, nn.functional.conv2d, nn.functional.conv3d)[len(call["stride"]) - 1]
        with torch.set_grad_enabled(call["pass"] != "FWD_I"):
            return run(x, weight, bias, call["stride"], call["padding"], call["dilation"], call["groups"])
    gradient = pool.take(call["output"], dtype, last, number=1)
    weights = call["pass"] != "BWD_D"
    return torch.ops.aten.convolution_backward(
        gradient, x, weight, [outputs] if call["bias"] else None, call["stride"], call["padding"], call["dilation"],
        False, [0] * len(call["stride"]), call["groups"], [not weights, weights, weights and call["bias"]],
    )  # fmt: skip


def matmul(call: Any, pool: Pool) -> Any:
    """The product of two matrices, or of two batches of them."""
    dtype = getattr(torch, call["dtype"])

    def operand(name: str, number: int) -> Any:
        *stack, rows, columns = call[name]
        if not call[f"{name}_transposed"]:
            return pool.take([*stack, rows, columns], dtype, number=number)
        return pool.take([*stack, columns, rows], dtype, number=number).transpose(-1, -2)

    left, right = operand("left", 0), operand("right", 1)
    with torch.no_grad():
        if call["bias"] and left.dim() == 2:
            return nn.functional.linear(left, right.t(), pool.take([call["right"][-1]], dtype))
        if call["sum"] and left.dim() == 2:
            return torch.addmm(pool.take([call["left"][0], call["right"][-1]], dtype), left, right)
        return torch.matmul(left, right)


def linear(call: Any, pool: Pool) -> Any:
    """A linear layer with its gradients."""
    dtype = getattr(torch, call["dtype"])
    x = pool.take([call["batch"], call["inputs"]], dtype).detach().requires_grad_()
    weight = pool.take([call["outputs"], call["inputs"]], dtype).detach().requires_grad_()
    bias = pool.take([call["outputs"]], dtype) if call["bias"] else None
    y = nn.functional.linear(x, weight, bias)
    if call["pass"].startswith("BWD"):
        y.sum().backward()
    return y


_LAYERS: dict[Any, Any] = {}


def lstm(call: Any, pool: Pool) -> Any:
    """A recurrent layer with its gradients."""
    dtype = getattr(torch, call["dtype"])
    key = (call["inputs"], call["hidden"], dtype)
    layer = _LAYERS.get(key)
    if layer is None:
        layer = _LAYERS[key] = nn.LSTM(call["inputs"], call["hidden"]).to(dtype)
    x = pool.take([call["steps"], call["batch"], call["inputs"]], dtype).detach().requires_grad_(call["training"])
    with torch.set_grad_enabled(call["training"]):
        y, _ = layer(x)
    if call["training"]:
        y.sum().backward()
    return y


KINDS: dict[str, Callable[[Any, Pool], Any]] = {
    "convolution": convolution,
    "matmul": matmul,
    "linear": linear,
    "lstm": lstm,
}


def say(mode: str, number: int) -> None:
    """Mark the beginning of the log of a call."""
    print(f"profilednn,{mode},{number}", flush=True)


def replay(order: Any) -> None:
    """Run rounds of all calls in turn, then each call warm and cold."""
    calls = order["calls"]
    pool = Pool(max(MIN_POOL_BYTES, int(0.4 * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES"))))
    refused: set[int] = set()

    def run(number: int) -> None:
        if number in refused:
            return
        try:
            KINDS[calls[number]["kind"]](calls[number], pool)
        except RuntimeError as error:
            refused.add(number)
            print(f"profilednn,refused,{number},{str(error).splitlines()[0]}", flush=True)

    begin = time.monotonic()
    for turn in range(order["rounds"] + 1):  # the first one warms up and builds the primitives
        say("turn", turn)
        for number in range(len(calls)):
            run(number)
        if turn > order["least_rounds"] and time.monotonic() - begin > order["seconds"]:
            break
    flush = torch.zeros(CACHE_BYTES // 4)
    for number in range(len(calls)):
        if time.monotonic() - begin > 2 * order["seconds"]:
            break
        for mode in ("warm", "cold"):
            for repeat in range(order["repeats"] + 1):
                if mode == "cold":
                    flush.add_(1.0)
                say(mode if repeat else "build", number)
                run(number)
    say("end", 0)


def peaks() -> dict[str, float]:
    """The best of several runs: GFLOP/s of matrix products, and GB/s of a copy, which reads and writes each byte."""
    found: dict[str, float] = {}
    for name in ("float32", "bfloat16"):
        size = 2048
        left, right = (torch.rand(size, size).to(getattr(torch, name)) for _ in range(2))
        seconds = _best(lambda a=left, b=right: torch.mm(a, b))  # type: ignore[misc]
        found[f"{name}_gflops"] = 2 * size**3 / seconds / 1e9
    source, target = torch.ones(1 << 26), torch.empty(1 << 26)
    found["bandwidth_gb_per_s"] = 2 * source.numel() * 4 / _best(lambda: target.copy_(source)) / 1e9
    return found


def _best(run: Callable[[], Any], repeats: int = 8) -> float:
    run()
    best = float("inf")
    for _ in range(repeats):
        begin = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - begin)
    return best


def main() -> None:
    """Execute the order."""
    order = json.load(sys.stdin)
    if order.get("threads"):
        torch.set_num_threads(order["threads"])
    if order.get("peaks"):
        print(json.dumps({"torch": str(torch.__version__), "threads": torch.get_num_threads(), **peaks()}), flush=True)
    else:
        replay(order)


if __name__ == "__main__":
    main()
