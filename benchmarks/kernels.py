"""Times the kernels against torch, torchvision, the paper's formulas, torch.compile and the machine's streaming limit.

`python benchmarks/kernels.py` prints Markdown tables and writes them to benchmarks/results/kernels.md. Contenders take
turns within each round, so that a disturbance of the machine affects all of them.
"""

from __future__ import annotations

import argparse
import ctypes
import math
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import profilednn_kernels as fused
import torch
import torchvision
from profilednn_kernels import _library
from torch import Tensor
from torchvision.ops import FrozenBatchNorm2d
from torchvision.ops import sigmoid_focal_loss as torchvision_focal_loss

RESULTS = Path(__file__).with_name("results") / "kernels.md"
ANCHORS = 120_087
ALPHA, GAMMA = 0.25, 2
DTYPE_NAMES = {torch.float32: "float32", torch.bfloat16: "bfloat16"}
TURN_NS = 1_000_000_000
TEMPORARIES_OF_REFERENCE = 9  # tensors that the reference and its inputs need at the same time


@dataclass
class Contender:
    name: str
    step: Callable[[], object]
    reset: Callable[[], object] = lambda: None
    """Drops what the previous step left behind; not timed."""
    durations_ms: list[float] = field(default_factory=list)
    peak_bytes: int = 0

    @property
    def median_ms(self) -> float:
        return statistics.median(self.durations_ms)


def run_rounds(contenders: list[Contender], rounds: int) -> None:
    for contender in contenders:
        measure_peak(contender)  # warms up, too
    for _ in range(rounds):
        for contender in contenders:
            take_turn(contender)
    for contender in contenders:
        contender.reset()


def take_turn(contender: Contender) -> None:
    """A few steps; the first is not counted, because it pays for memory that the previous contender released."""
    begin = time.perf_counter_ns()
    turn = [step_duration_ms(contender)]
    while len(turn) < 6 and time.perf_counter_ns() - begin < TURN_NS:
        turn.append(step_duration_ms(contender))
    contender.durations_ms += turn[1:] or turn


def step_duration_ms(contender: Contender) -> float:
    contender.reset()
    begin = time.perf_counter_ns()
    contender.step()
    return (time.perf_counter_ns() - begin) / 1e6


def measure_peak(contender: Contender) -> None:
    """The peak memory of one step beyond the memory in use before it."""
    contender.reset()
    contender.step()
    contender.reset()
    ctypes.CDLL(None).malloc_trim(0)  # memory kept by the allocator would hide what the step needs
    Path("/proc/self/clear_refs").write_text("5")
    before = status_bytes("VmRSS")
    contender.step()
    contender.peak_bytes = status_bytes("VmHWM") - before


def status_bytes(key: str, file: str = "/proc/self/status") -> int:
    line = next(line for line in Path(file).read_text().splitlines() if line.startswith(key + ":"))
    return int(line.split()[1]) * 1024


# The paper's formulas (its equation 3 and figure 9), implemented from the equations


def paper_forward(x: Tensor, y: Tensor) -> Tensor:
    e = x.exp()
    base = (-e * y + e + y) / (e + 1)
    return (base**GAMMA * ((ALPHA * (2 * y - 1) - y + 1) * (e + 1).log() - ALPHA * x * y)).sum()


class PaperExplicit(torch.autograd.Function):  # type: ignore[misc]
    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor) -> Tensor:
        ctx.save_for_backward(x, y)
        return paper_forward(x, y)

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor, None]:
        x, y = ctx.saved_tensors
        e = x.exp()
        factor = -((e + 1) ** (-GAMMA - 1)) * (y - e * (y - 1)) ** (GAMMA - 1)
        terms = -ALPHA * GAMMA * e * x * y + GAMMA * e * (e + 1).log() * (ALPHA + y - 1)
        terms = terms + (ALPHA - 1) * (2 * x).exp() * (1 - y) + ALPHA * y
        return upstream[0] * factor * terms, None


def paper_explicit(x: Tensor, y: Tensor) -> Tensor:
    loss: Tensor = PaperExplicit.apply(x, y)
    return loss


def reference(x: Tensor, y: Tensor) -> Tensor:
    loss: Tensor = torchvision_focal_loss(x, y, ALPHA, GAMMA, "sum")
    return loss


def streaming(a: Tensor, b: Tensor) -> list[Contender]:
    """Reads two arrays and writes one, with the kernels' threads and page advice."""
    written = torch.empty_like(a)
    kept: list[Tensor] = []
    stream = _library.library().pdnn_stream
    size = a.numel() * a.element_size()

    def write(out: Tensor) -> None:
        stream(a.data_ptr(), b.data_ptr(), out.data_ptr(), size, torch.get_num_threads())

    def write_fresh() -> None:
        kept.append(torch.empty_like(a))
        write(kept[0])

    return [
        Contender("streaming limit, output reused", lambda: write(written)),
        Contender("streaming limit, output fresh", write_fresh, kept.clear),
    ]


def focal_contenders(batch: int, classes: int, dtype: torch.dtype) -> list[Contender]:
    anchors = batch * ANCHORS
    x = (torch.randn(anchors, classes) - math.log(99)).to(dtype).requires_grad_()
    labels = torch.full((anchors,), -1)
    foreground = torch.randint(anchors, (batch * 100,))
    labels[foreground] = torch.randint(classes, foreground.shape)
    y = torch.zeros(anchors, classes, dtype=dtype)
    y[foreground, labels[foreground]] = 1
    torch.compiler.reset()
    compiled = torch.compile(reference, dynamic=False)

    def drop() -> None:
        x.grad = None

    losses: list[tuple[str, Callable[[], Tensor]]] = [
        ("torchvision", lambda: reference(x, y)),
        ("torch.compile of torchvision", lambda: compiled(x, y)),
        ("paper, implicit backward", lambda: paper_forward(x, y)),
        ("paper, explicit backward", lambda: paper_explicit(x, y)),
        ("fused", lambda: fused.sigmoid_focal_loss(x, y, ALPHA, GAMMA, "sum")),
        ("fused, from labels", lambda: fused.sigmoid_focal_loss_from_labels(x, labels, ALPHA, GAMMA, "sum")),
    ]
    if batch > 1:
        losses = [(name, loss) for name, loss in losses if not name.startswith("paper")]
    steps = [Contender(name, forward_and_backward(loss), drop) for name, loss in losses]
    return steps + streaming(x.detach(), y)


def forward_and_backward(loss: Callable[[], Tensor]) -> Callable[[], object]:
    return lambda: loss().backward()


def batch_norm_contenders(dtype: torch.dtype, layout: torch.memory_format, block: bool) -> list[Contender]:
    """The batch norm alone, or with the residual and ReLU that follow it in a ResNet block."""
    shape = (8, 256, 100, 100)
    x = torch.randn(shape, dtype=dtype).to(memory_format=layout).requires_grad_()
    residual = torch.randn(shape, dtype=dtype).to(memory_format=layout)
    upstream = torch.randn(shape, dtype=dtype).to(memory_format=layout)
    module = FrozenBatchNorm2d(shape[1]).to(dtype)
    scale = module.weight * torch.rsqrt(module.running_var + module.eps)
    shift = module.bias - module.running_mean * scale

    def drop() -> None:
        x.grad = None

    def unfused() -> Tensor:
        y: Tensor = module(x)
        return torch.relu(y + residual) if block else y

    def one_pass() -> Tensor:
        return fused.frozen_batch_norm(x, scale, shift, residual if block else None, relu=block)

    return [
        Contender("torchvision", lambda: unfused().backward(upstream), drop),
        Contender("fused", lambda: one_pass().backward(upstream), drop),
    ]


LAYERS = {
    "RetinaNet's class logits": (2, 256, 2376, 64),
    "a head's or U-Net's layer": (2, 256, 256, 64),
    "the same on a small map": (2, 256, 256, 16),
    "ResNet's layer2, batch 32": (32, 128, 128, 28),
    "ResNet's layer3, batch 32": (32, 256, 256, 14),
    "ResNet's layer4, batch 32": (32, 512, 512, 7),
    "ResNet's layer1, batch 32": (32, 64, 64, 56),
}
"""Images, input and output channels, width and height in pixels."""


def convolution_contenders(images: int, channels: int, outputs: int, size: int) -> list[Contender]:
    """A 3x3 convolution in bfloat16 with its casts of the weight, forward and backward."""
    last = torch.channels_last
    picture = torch.randn(images, channels, size, size).bfloat16().contiguous(memory_format=last).requires_grad_()
    weight = (0.02 * torch.randn(outputs, channels, 3, 3)).contiguous(memory_format=last).requires_grad_()
    bias = torch.zeros(outputs, requires_grad=True)
    upstream = torch.randn(images, outputs, size, size).bfloat16().contiguous(memory_format=last)

    def drop() -> None:
        picture.grad = weight.grad = bias.grad = None

    def usual() -> Tensor:
        return torch.conv2d(picture, weight.bfloat16(), bias.bfloat16(), padding=1)

    def winograd() -> Tensor:
        return fused.winograd_convolution(picture, fused.winograd_weight(weight, torch.bfloat16), bias)

    return [
        Contender("torch", lambda: usual().backward(upstream), drop),
        Contender("Winograd", lambda: winograd().backward(upstream), drop),
    ]


def table(contenders: list[Contender]) -> Iterator[str]:
    baseline = contenders[0].median_ms
    limits = [c.median_ms for c in contenders if c.name.startswith("streaming")]
    heads = ["", "median ms", "min to max ms", f"x {contenders[0].name}", "peak extra MiB"]
    yield "| " + " | ".join([*heads, *(["x limit, reused", "x limit, fresh"] if limits else [])]) + " |"
    yield "|---" + "|---:" * (len(heads) - 1 + len(limits)) + "|"
    for contender in contenders:
        low, high = min(contender.durations_ms), max(contender.durations_ms)
        cells = [
            contender.name,
            f"{contender.median_ms:.2f}",
            f"{low:.2f} to {high:.2f}",
            f"{baseline / contender.median_ms:.1f}",
            f"{contender.peak_bytes / 2**20:.0f}",
            *(f"{contender.median_ms / limit:.2f}" for limit in limits),
        ]
        yield "| " + " | ".join(cells) + " |"


def machine() -> Iterator[str]:
    cpuinfo = Path("/proc/cpuinfo").read_text().splitlines()
    cpu = next((line.split(":")[1].strip() for line in cpuinfo if line.startswith("model name")), platform.machine())
    pages = Path("/sys/kernel/mm/transparent_hugepage/enabled").read_text().strip()
    cores, threads = len(os.sched_getaffinity(0)), torch.get_num_threads()
    runtime = Path(fused.openmp_runtime()).name
    yield f"- Machine: {cpu}, {cores} cores, {threads} threads; Linux {platform.release()}, huge pages {pages}."
    versions = f"torch {torch.__version__}, torchvision {torchvision.__version__}"
    yield f"- Versions: Python {platform.python_version()}, {versions}."
    yield f"- The kernels use {fused.instruction_set()} code and the threads of {runtime}."
    yield "- A step is forward and backward of the sum; its gradient is dropped between steps, untimed."


def busy_seconds() -> float:
    """Busy time of all cores together."""
    user, nice, system, _, _, irq, softirq, *_ = (int(n) for n in Path("/proc/stat").read_text().split()[1:9])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def contention(begin: tuple[float, float, float]) -> str:
    wall, own, busy = (now - then for now, then in zip(clocks(), begin, strict=True))
    others = max(0.0, busy - own) / wall
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
    return f"- Contention: other processes used {others:.2f} cores on average; load average {load}."


def clocks() -> tuple[float, float, float]:
    return time.monotonic(), time.process_time(), busy_seconds()


def report(rounds: int) -> Iterator[str]:
    begin = clocks()
    yield "## Kernels"
    yield ""
    yield from machine()
    for batch, classes in ((1, 264), (1, 91), (8, 264), (8, 91)):
        for dtype, name in DTYPE_NAMES.items():
            yield ""
            yield f"### Sigmoid focal loss, batch {batch}, {ANCHORS:,} x {classes}, {name}"
            yield ""
            needed = batch * ANCHORS * classes * dtype.itemsize * TEMPORARIES_OF_REFERENCE
            available = status_bytes("MemAvailable", "/proc/meminfo")
            if needed > available:
                yield f"Not run: it needs {needed / 2**30:.1f} GiB, and {available / 2**30:.1f} GiB are free."
                continue
            contenders = focal_contenders(batch, classes, dtype)
            run_rounds(contenders, rounds if batch == 1 else max(1, rounds // 2))
            yield from table(contenders)
    for block, title in ((False, "Frozen batch norm"), (True, "Frozen batch norm + residual + ReLU")):
        for dtype, name in DTYPE_NAMES.items():
            for layout, layout_name in ((torch.contiguous_format, "NCHW"), (torch.channels_last, "channels_last")):
                yield ""
                yield f"### {title}, 8 x 256 x 100 x 100, {name}, {layout_name}"
                yield ""
                contenders = batch_norm_contenders(dtype, layout, block)
                run_rounds(contenders, rounds)
                yield from table(contenders)
    for title, (images, channels, outputs, size) in LAYERS.items():
        yield ""
        yield f"### 3x3 convolution in bfloat16, {title}: {images} x {channels} x {size} x {size} to {outputs} channels"
        yield ""
        contenders = convolution_contenders(images, channels, outputs, size)
        run_rounds(contenders, rounds)
        yield from table(contenders)
    yield ""
    yield contention(begin)


def run(rounds: int = 5) -> None:
    torch.manual_seed(0)
    lines = []
    for line in report(rounds):
        print(line, flush=True)
        lines.append(line)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="turns of each contender (default: 5)")
    run(parser.parse_args().rounds)
