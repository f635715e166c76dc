"""A training script whose step is a known amount of arithmetic: ``UNITS`` matrix products, times ``SLOWER``.

It updates its two parameters by hand: `torch.optim` would add the import of the compiler to every run.
"""

from __future__ import annotations

import os

import torch

if "CORE" in os.environ:
    # So that variants in lockstep run under the same conditions. After the imports, which may use all cores.
    os.sched_setaffinity(0, {int(os.environ["CORE"])})
units = round(int(os.environ["UNITS"]) * float(os.environ.get("SLOWER", "1")))
matrix = torch.rand(160, 160)
product = torch.empty_like(matrix)
net = torch.nn.Linear(16, 1)
inputs = torch.rand(8, 16)
while True:
    loss = net(inputs).pow(2).mean()
    loss.backward()
    with torch.no_grad():
        for _ in range(units):
            torch.mm(matrix, matrix, out=product)
        for parameter in net.parameters():
            parameter -= 0.01 * parameter.grad
            parameter.grad = None
