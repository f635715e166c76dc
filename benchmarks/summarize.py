"""Times the agent's summary of a window against `key_averages()` on the same window.

`python -m benchmarks.summarize` writes benchmarks/results/summarize.md.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from benchmarks.conditions import Contention, machine, versions, write
from profilednn_tui.agent.isolation.guard import Guard
from profilednn_tui.agent.windows.phase_spans import PhaseSpans
from profilednn_tui.agent.windows.summary import summarize
from profilednn_tui.agent.windows.torch_profiler import EventTree, TorchProfiler
from profilednn_tui.agent.windows.trace import Calls, Trace

MIN_ROUNDS = 24
MIN_DURATION_S = 12.0
"""Long enough for collections of the whole heap, which occur once in dozens of small windows."""


def whole_step(tree: EventTree) -> PhaseSpans:
    """One phase from the first event to the last, so that the time outside of operators is found as in use."""
    ends = max(event.end_time_ns for event in tree.roots)
    return PhaseSpans([min(event.start_time_ns for event in tree.roots), ends], [-1, 1])


def resnet() -> tuple[nn.Module, Callable[[nn.Module], torch.Tensor]]:
    from torchvision.models import resnet18

    images, labels = torch.randn(8, 3, 64, 64), torch.randint(0, 1000, (8,))
    return resnet18(), lambda net: nn.functional.cross_entropy(net(images), labels)


def lstm() -> tuple[nn.Module, Callable[[nn.Module], torch.Tensor]]:
    words = torch.randn(8, 20, 64)
    return nn.LSTM(64, 128, 2, batch_first=True), lambda net: net(words)[0].pow(2).mean()


def transformer() -> tuple[nn.Module, Callable[[nn.Module], torch.Tensor]]:
    words = torch.randn(8, 20, 64)
    layer = nn.TransformerEncoderLayer(64, 4, 128, batch_first=True)
    return nn.TransformerEncoder(layer, 4), lambda net: net(words).pow(2).mean()


def retinanet() -> tuple[nn.Module, Callable[[nn.Module], torch.Tensor]]:
    from torchvision.models.detection import retinanet_resnet50_fpn

    images = [torch.rand(3, 128, 128)]
    targets = [{"boxes": torch.tensor([[10.0, 10.0, 60.0, 60.0]]), "labels": torch.tensor([1])}]
    net = retinanet_resnet50_fpn(weights=None, weights_backbone=None, min_size=128, max_size=128)
    return net, lambda net: sum(net(images, targets).values())


MODELS = {"ResNet-18": resnet, "LSTM": lstm, "Transformer encoder": transformer, "RetinaNet": retinanet}


class Window:
    """Makes profiled steps of one model."""

    def __init__(self, make: Callable[[], tuple[nn.Module, Any]]) -> None:
        torch.manual_seed(0)
        self.net, self._loss_of = make()
        self._optimizer = torch.optim.SGD(self.net.parameters(), lr=0.001, momentum=0.9)
        self.profiler = TorchProfiler(torch, Guard(print))
        self.paths = {id(module): path for path, module in self.net.named_modules()}

    def profile(self) -> tuple[EventTree, Any]:
        """The raw tree of one step, and torch's own profile of it."""
        self.profiler.start(stacks=True)
        self._optimizer.zero_grad()
        self._loss_of(self.net).backward()
        self._optimizer.step()
        profile = self.profiler._profile
        tree = self.profiler.stop()
        assert tree is not None
        profile.kineto_results, profile._needs_processing = tree._kineto_results, True
        return tree, profile


def keep(trace: Trace) -> float:
    """Seconds for the start times of a window: filling their columns, as the summary does, and packing them, as the
    writing thread does."""
    calls, again = trace._calls, Calls()
    columns = [(getattr(again, name).append, getattr(calls, name)) for name in Calls.__slots__]
    rows = list(zip(*(values for _, values in columns), strict=True))
    first, second, third, fourth, fifth = (append for append, _ in columns)
    begin = time.perf_counter()
    for one, two, three, four, five in rows:
        first(one)
        second(two)
        third(three)
        fourth(four)
        fifth(five)
    trace.event(1, 1, 0, 0)
    return time.perf_counter() - begin


def kept(window: Window) -> list[float]:
    """The same for some windows."""
    found = []
    for _ in range(MIN_ROUNDS + 1):
        tree, _ = window.profile()
        found.append(keep(summarize(tree, window.profiler.types, window.paths, whole_step(tree)).trace))
    return found[1:]


def measure(window: Window, rounds: int, least_s: float) -> tuple[int, list[float], list[float]]:
    """Number of events in a window, and the seconds of both methods, in turn on the same windows."""
    ours: list[float] = []
    theirs: list[float] = []
    events = 0
    start = time.perf_counter()
    while len(ours) <= rounds or time.perf_counter() - start < least_s:
        tree, profile = window.profile()
        spans = whole_step(tree)
        begin = time.perf_counter()
        events = summarize(tree, window.profiler.types, window.paths, spans).events
        middle = time.perf_counter()
        profile.key_averages(group_by_input_shape=True, group_by_stack_n=5)
        end = time.perf_counter()
        ours.append(middle - begin)
        theirs.append(end - middle)
    return events, ours[1:], theirs[1:]


def collector_off(window: Window) -> tuple[int, list[float], list[float]]:
    """The same without garbage collection inside either method."""
    gc.collect()
    gc.disable()
    try:
        return measure(window, MIN_ROUNDS // 2, 0.0)
    finally:
        gc.enable()


def spread_ms(seconds: list[float]) -> str:
    low, high = min(seconds) * 1e3, max(seconds) * 1e3
    return f"{statistics.mean(seconds) * 1e3:.1f} ({low:.1f} to {high:.1f})"


def main() -> None:
    """Measure all models and write the table."""
    torch.set_num_threads(1)
    contention = Contention()
    lines = [
        "## Summarizing a window",
        "",
        *machine(),
        versions("torch", "torchvision"),
        f"- One profiled step with shapes and stacks, as many windows per model as fit in {MIN_DURATION_S:g} s (at",
        f"  least {MIN_ROUNDS}), each read both ways; milliseconds, mean (minimum to maximum). torch's method is",
        "  `key_averages(group_by_input_shape=True, group_by_stack_n=5)` and includes its conversion of the raw",
        "  events, as every use of it does.",
        "- As in a real program, the objects that `key_averages` creates trigger collections of the whole heap, while",
        "  the summary pauses the collector. For `collector off`, it is off for both.",
        "- `start times` is what the timeline costs: filling columns, which is part of the summary, and packing them,",
        "  which another thread does.",
        "",
        "| model | events | summary, ms | key_averages, ms | ratio | ratio, collector off | start times, ms |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name, make in MODELS.items():
        window = Window(make)
        events, ours, theirs = measure(window, MIN_ROUNDS, MIN_DURATION_S)
        ratio = sum(theirs) / sum(ours)
        _, ours_alone, theirs_alone = collector_off(window)
        times = kept(window)
        window.profiler.remove()
        alone = sum(theirs_alone) / sum(ours_alone)
        cells = (name, f"{events:,}", spread_ms(ours), spread_ms(theirs), f"{ratio:.1f}x", f"{alone:.1f}x")
        lines.append(f"| {' | '.join((*cells, spread_ms(times)))} |")
    write("summarize", [*lines, "", contention.line()])


if __name__ == "__main__":
    main()
