"""Activations are flattened with `.view` by the model and by hooks on it, and gradients by hooks on tensors."""

import torch
from record import Record
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.wide = nn.Sequential(nn.Conv2d(3, 128, 3, padding=1), nn.ReLU(), nn.Conv2d(128, 128, 3, padding=1))
        self.head = nn.Linear(128 * 16, 5)

    def forward(self, x):
        x = torch.max_pool2d(torch.relu(self.wide(x)), 6)
        return self.head(x.view(len(x), -1))


record = Record()
model = Net()
seen = []


def look(module, arguments, output):
    seen.append(float(output.detach().view(len(output), -1).norm(dim=1).mean()))
    output.register_hook(lambda gradient: None if gradient.view(-1)[0].isfinite() else gradient)


for layer in (model.wide[0], model.wide[2]):
    layer.register_forward_hook(look)
optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9)
record.watch(model=model, optimizer=optimizer)
for _ in record.updates:
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(torch.randn(2, 3, 24, 24)), torch.randint(5, (2,)))
    loss.backward()
    optimizer.step()
    record.loss(loss)
record.fact(seen=seen)
record.end()
