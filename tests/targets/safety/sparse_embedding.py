"""Embedding bags with sparse gradients: SGD, SparseAdam and Adagrad for one each, Adam for what is dense."""

import torch
from record import Record
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.bags = nn.ModuleList([nn.EmbeddingBag(50, 8, mode="sum", sparse=True) for _ in range(3)])
        self.top = nn.Sequential(nn.Linear(24, 16), nn.ReLU(), nn.Linear(16, 2))

    def forward(self, words):
        return self.top(torch.cat([bag(words[:, :, i]) for i, bag in enumerate(self.bags)], 1))


record = Record()
model = Net()
kinds = (torch.optim.SGD, torch.optim.SparseAdam, torch.optim.Adagrad)
optimizers = [kind(list(bag.parameters()), lr=0.1) for kind, bag in zip(kinds, model.bags, strict=True)]
optimizers.append(torch.optim.Adam(model.top.parameters(), 1e-2))
record.watch(model=model, **{type(one).__name__: one for one in optimizers})
for _ in record.updates:
    for one in optimizers:
        one.zero_grad()
    loss = nn.functional.cross_entropy(model(torch.randint(50, (16, 4, 3))), torch.randint(2, (16,)))
    loss.backward()
    for one in optimizers:
        one.step()
    record.loss(loss)
record.end()
