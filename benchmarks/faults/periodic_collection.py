# rule: periodic-stall
"""The garbage collector walks millions of objects every 20 steps."""

import gc

import torch
from torch import nn

torch.manual_seed(0)
history = [{"step": number, "metrics": [float(number)]} for number in range(1_000_000)]
model = nn.Sequential(nn.Linear(256, 1024), nn.ReLU(), nn.Linear(1024, 256))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for step in range(1000):
    loss = model(torch.randn(256, 256)).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 20 == 19:
        gc.collect()
