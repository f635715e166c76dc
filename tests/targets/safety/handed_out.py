"""Activations leave the model beside its result, and the program looks at them as the plain run lets it: as NumPy
arrays, by views, and at their gradients."""

import torch
from record import Record
from torch import nn

record = Record()
features = {}


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 16, 3, padding=1)
        self.second = nn.Conv2d(16, 16, 3, padding=1)
        self.head = nn.Linear(16, 4)

    def forward(self, images, maps):
        maps.append(torch.relu(self.first(images)))
        maps.append(self.second(maps[0]))
        features["pooled"] = maps[1].mean((2, 3))
        return self.head(features["pooled"])


model = Net()
optimizer = torch.optim.Adam(model.parameters(), 1e-3)
record.watch(model=model, optimizer=optimizer)
seen = []
for _ in record.updates:
    maps = []
    scores = model(torch.randn(4, 3, 12, 12), maps)
    maps[1].retain_grad()
    loss = nn.functional.cross_entropy(scores, torch.randint(4, (4,))) + maps[0].view(-1).abs().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    record.loss(loss)
    seen.append(float(features["pooled"].detach().numpy().mean() + maps[1].grad.view(4, -1).abs().sum().numpy()))
record.fact(seen=seen)
record.end()
