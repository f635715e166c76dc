"""Trains a small network for 40 steps and prints what it saw in each: losses, threads, and layouts of an activation.

Batches have 8, 7 or 6 images in turn.
"""

from __future__ import annotations

import json

import lazy_dynamo  # noqa: F401
import torch
from torch import nn


class Net(nn.Module):
    """Two convolutions; the second one's input shows the layout that the first one gave it."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 32, 3, padding=1)
        self.second = nn.Conv2d(32, 32, 3, padding=1)
        self.head = nn.Linear(32, 10)
        self.layouts: list[bool] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x).relu()
        self.layouts.append(x.is_contiguous(memory_format=torch.channels_last) and not x.is_contiguous())
        logits: torch.Tensor = self.head(self.second(x).relu().mean((2, 3)))
        return logits


torch.manual_seed(0)
net = Net()
optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
images, labels = torch.rand(8, 3, 32, 32), torch.randint(10, (8,))
losses, threads = [], []
for step in range(40):
    optimizer.zero_grad()
    threads.append(torch.get_num_threads())
    batch = slice(8 - step % 3)
    loss = nn.functional.cross_entropy(net(images[batch]), labels[batch])
    loss.backward()
    optimizer.step()
    losses.append(float(loss))
strides = [list(parameter.stride()) for parameter in net.parameters()]
state = sorted({str(value.dtype) for entry in optimizer.state.values() for value in entry.values()})
print(json.dumps({"losses": losses, "threads": threads, "layouts": net.layouts, "strides": strides, "state": state}))
