# rule: primitive-cache-misses
"""Batches are padded to their longest text, so that nearly every step has a shape that oneDNN has not compiled yet."""

import random

import torch
from torch import nn

torch.manual_seed(0)
random.seed(0)
model = nn.Sequential(nn.Conv1d(16, 32, 3), nn.ReLU(), nn.Conv1d(32, 32, 5), nn.ReLU(), nn.Conv1d(32, 8, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for _ in range(4000):
    texts = torch.randn(random.randint(1, 8), 16, random.randint(40, 400))
    loss = model(texts).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
