"""No module is called: parameters are tensors, and most of what is computed is denormal."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from record import Record

record = Record()
weight = torch.zeros(200_000, requires_grad=True)
with torch.no_grad():
    weight.uniform_(-1, 1)
scale = torch.full((200_000,), 1e-39)
target = torch.linspace(-1, 1, 200_000)
optimizer = torch.optim.SGD([weight], 100.0, momentum=0.5)
record.watch(weight=weight, optimizer=optimizer)
for _ in record.updates:
    optimizer.zero_grad()
    loss = (weight - target).pow(2).mean() + (weight * scale.sqrt()).sum()
    loss.backward()
    optimizer.step()
    record.loss(loss)
record.end()
