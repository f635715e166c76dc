"""A training whose step is a known amount of arithmetic: ``UNITS`` products of matrices, times ``SLOWER``."""

from __future__ import annotations

import os

import torch

units = round(int(os.environ["UNITS"]) * float(os.environ.get("SLOWER", "1")))
matrix = torch.rand(160, 160)
net = torch.nn.Linear(16, 1)
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
inputs = torch.rand(8, 16)
while True:
    optimizer.zero_grad()
    loss = net(inputs).pow(2).mean()
    with torch.no_grad():
        for _ in range(units):
            matrix @ matrix
    loss.backward()
    optimizer.step()
