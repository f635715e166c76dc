# rule: recomputed-activations
"""Activation checkpointing is on, though memory is plentiful: every forward pass runs twice."""

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

torch.manual_seed(0)
blocks = nn.ModuleList(nn.Sequential(nn.Linear(256, 1024), nn.GELU(), nn.Linear(1024, 256)) for _ in range(6))
optimizer = torch.optim.SGD(blocks.parameters(), lr=0.01)
for _ in range(200):
    hidden = torch.randn(256, 256)
    for block in blocks:
        hidden = hidden + checkpoint(block, hidden, use_reentrant=False)
    loss = hidden.pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
