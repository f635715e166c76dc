"""Closes operator windows inside of annotations, opens others, and counts the lists that have changed meanwhile."""

import torch
from torch.autograd.profiler import record_function

from profilednn_tui.agent.isolation.guard import Guard
from profilednn_tui.agent.windows.torch_profiler import TorchProfiler

profiler = TorchProfiler(torch, Guard(print))
x = torch.ones(4)
damaged = 0
for _ in range(30):
    profiler.start(stacks=True)
    for _ in range(60):
        x + 1
    with record_function("outer"), record_function("inner"):
        profiler.stop()
        lists = [[None] * 250 for _ in range(4000)]
        profiler.start(stacks=True)
    profiler.stop()
    damaged += sum(one.count(None) < len(one) for one in lists)
print(damaged)
