"""Gradients are clipped by the norm over all parameters, of which some belong to no optimizer; it is also printed."""

import torch
from record import Record
from torch import nn

record = Record()
model = nn.Sequential(nn.Conv2d(3, 12, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(48, 5))
optimizer = torch.optim.SGD(model[4].parameters(), 0.5)
record.watch(model=model, optimizer=optimizer)
for _ in record.updates:
    model.zero_grad()
    loss = nn.functional.cross_entropy(model(3 * torch.randn(8, 3, 12, 12)), torch.randint(5, (8,)))
    loss.backward()
    norm = nn.utils.clip_grad_norm_(model.parameters(), 0.05)
    optimizer.step()
    record.loss(loss)
    print(f"norm {float(norm):.3f}", flush=True)
record.end()
