"""A model that becomes double precision on the way, and goes back to single precision."""

import torch
from record import Record
from torch import nn

record = Record(updates=9)
model = nn.Sequential(
    nn.Conv2d(3, 128, 3, padding=1), nn.ReLU(), nn.Conv2d(128, 128, 3, padding=1), nn.AdaptiveAvgPool2d(1), nn.Flatten()
)
model.append(nn.Linear(128, 5))
optimizer = torch.optim.SGD(model.parameters(), 0.05)
record.watch(model=model, optimizer=optimizer)
for update in record.updates:
    dtype = torch.float64 if 3 <= update < 6 else torch.float32
    model.to(dtype)
    x = torch.randn(2, 3, 24, 24).to(dtype)
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(x), torch.randint(5, (2,)))
    loss.backward()
    optimizer.step()
    record.loss(loss)
print(loss.dtype, model[0].weight.dtype)
record.end()
