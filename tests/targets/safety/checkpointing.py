"""Activation checkpointing, reentrant and not, with dropout and frozen batch norm; no optimizer updates the stem."""

import torch
from record import Record
from torch import nn
from torch.utils.checkpoint import checkpoint


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 128, 3, padding=1)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Conv2d(128, 128, 3, padding=1), nn.BatchNorm2d(128), nn.ReLU(), nn.Dropout(0.2))
            for _ in range(2)
        )
        self.head = nn.Linear(128, 5)

    def forward(self, x):
        x = self.stem(x)
        for block, reentrant in zip(self.blocks, (True, False), strict=True):
            x = checkpoint(block, x, use_reentrant=reentrant)
        return self.head(x.mean((2, 3)))


record = Record()
model = Net()
for block in model.blocks:
    block[1].eval().requires_grad_(False)
optimizer = torch.optim.SGD([*model.blocks.parameters(), *model.head.parameters()], 0.05, momentum=0.9)
record.watch(model=model, optimizer=optimizer)
for _ in record.updates:
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(torch.randn(2, 3, 24, 24)), torch.randint(5, (2,)))
    loss.backward()
    optimizer.step()
    record.loss(loss)
record.fact(random=torch.rand(3).tolist())
record.end()
