# rule: memory-growth-graph
"""The hidden state is never detached: every backward pass goes through all earlier steps again."""

import torch
from torch import nn

torch.manual_seed(0)
cell = nn.GRUCell(256, 512)
head = nn.Linear(512, 256)
optimizer = torch.optim.SGD(head.parameters(), lr=0.0)
hidden = torch.zeros(64, 512)
for _ in range(130):
    hidden = cell(torch.randn(64, 256), hidden)
    loss = head(hidden).pow(2).mean()
    optimizer.zero_grad()
    loss.backward(retain_graph=True)
    optimizer.step()
