"""On the way the model is copied deeply and by pickle, its class is looked at, and the pickled one is trained on."""

import copy
import pickle

import torch
from record import Record
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 128, 3, padding=1)
        self.wide = nn.Conv2d(128, 128, 3, padding=1)
        self.norm = nn.BatchNorm2d(128).eval().requires_grad_(False)
        self.head = nn.Linear(128, 5)

    def forward(self, x):
        return self.head(torch.relu(self.norm(self.wide(torch.relu(self.conv(x))))).mean((2, 3)))


record = Record(updates=9)
model = Net()
optimizer = torch.optim.SGD([*model.wide.parameters(), *model.head.parameters()], 0.05)
record.watch(model=model, optimizer=optimizer)
for update in record.updates:
    if update in (3, 6):
        copies = [copy.deepcopy(model), pickle.loads(pickle.dumps(model))]
        for one in copies:
            print(
                [type(part).__name__ for part in one.modules()],
                type(one.wide) is nn.Conv2d,
                type(one.norm) is nn.BatchNorm2d,
            )
            print([parameter.requires_grad for parameter in one.parameters()], one.wide.weight.stride())
        model = copies[update == 6]
        optimizer = torch.optim.SGD([*model.wide.parameters(), *model.head.parameters()], 0.05)
        record.watch(model=model, optimizer=optimizer)
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(torch.randn(2, 3, 24, 24)), torch.randint(5, (2,)))
    loss.backward()
    optimizer.step()
    record.loss(loss)
record.end()
