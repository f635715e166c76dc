# rule: weight-gradient-rate
"""Convolutions of images with one channel: their weight gradients run far below the forward rate."""

import torch
from torch import nn

torch.manual_seed(0)
banks = nn.ModuleList(nn.Conv2d(1, 32, size, padding=size // 2) for size in (5, 7, 9))
head = nn.Linear(96, 10)
optimizer = torch.optim.SGD([*banks.parameters(), *head.parameters()], lr=0.01)
for _ in range(250):
    spectrograms, labels = torch.randn(16, 1, 64, 64), torch.randint(0, 10, (16,))
    features = torch.cat([bank(spectrograms).mean((2, 3)) for bank in banks], 1)
    loss = nn.functional.cross_entropy(head(features), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
