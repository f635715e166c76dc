"""Weights that are computed from others: weight norm, spectral norm, one's own; taken away from one layer on the way."""

import torch
from record import Record
from torch import nn
from torch.nn.utils import parametrizations, parametrize


class Symmetric(nn.Module):
    def forward(self, weight):
        return weight.triu() + weight.triu(1).transpose(-1, -2)


record = Record()
model = nn.Sequential(
    parametrizations.weight_norm(nn.Conv2d(3, 12, 3)),
    nn.ReLU(),
    parametrizations.spectral_norm(nn.Conv2d(12, 12, 3)),
    nn.AdaptiveAvgPool2d(1),
    nn.Flatten(),
    nn.Linear(12, 12),
    nn.utils.spectral_norm(nn.Linear(12, 5)),
)
parametrize.register_parametrization(model[5], "weight", Symmetric())
if record.resuming:
    parametrize.remove_parametrizations(model[0], "weight")
optimizer = torch.optim.Adam(model.parameters(), 1e-2)
record.watch(model=model, optimizer=optimizer)
for update in record.updates:
    if update == 5:
        parametrize.remove_parametrizations(model[0], "weight")
        optimizer = torch.optim.Adam(model.parameters(), 1e-2)
        record.watch(optimizer=optimizer)
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(torch.randn(8, 3, 10, 10)), torch.randint(5, (8,)))
    loss.backward()
    optimizer.step()
    record.loss(loss)
record.end()
