# rule: allocator-faults
"""All pairwise differences are materialized: large temporaries are mapped, faulted in and given back in every step."""

import torch
from torch import nn

torch.manual_seed(0)
model = nn.Linear(16, 32)
optimizer = torch.optim.SGD(model.parameters(), lr=0.001)
for _ in range(120):
    points = model(torch.randn(700, 16))
    loss = (points[:, None] - points[None, :]).abs().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
