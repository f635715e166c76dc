"""Two optimizers, of which one comes after some updates, and a group that is added to the first one still later."""

import torch
from record import Record
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 12, 3), nn.ReLU())
        self.middle = nn.Linear(12, 12)
        self.head = nn.Linear(12, 5)

    def forward(self, x):
        return self.head(torch.tanh(self.middle(self.features(x).mean((2, 3)))))


record = Record(updates=12)
model = Net()
early = torch.optim.SGD(model.head.parameters(), 0.1)
record.watch(model=model)
late = None
for update in record.updates:
    if update == 3:
        late = torch.optim.Adam(model.features.parameters(), 1e-2)
    if update == 6:
        early.add_param_group({"params": list(model.middle.parameters()), "lr": 0.05})
    model.zero_grad()
    loss = nn.functional.cross_entropy(model(torch.randn(8, 3, 10, 10)), torch.randint(5, (8,)))
    loss.backward()
    early.step()
    if late is not None:
        late.step()
    record.loss(loss)
if late is not None:
    record.watch(early=early, late=late)
record.end()
