"""A wide convolutional backbone that no optimizer updates, with batch norm in evaluation mode, and a head that learns."""

import torch
from record import Record
from torch import nn


def block(channels):
    return nn.Sequential(nn.Conv2d(channels, 128, 3, padding=1, bias=False), nn.BatchNorm2d(128), nn.ReLU())


record = Record()
backbone = nn.Sequential(block(3), block(128), block(128))
model = nn.Sequential(
    backbone, nn.Conv2d(128, 128, 3, padding=1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, 5)
)
for module in backbone.modules():
    if isinstance(module, nn.BatchNorm2d):
        nn.init.uniform_(module.running_mean, -0.1, 0.1)
        nn.init.uniform_(module.running_var, 0.5, 1.5)
        module.requires_grad_(False)
backbone[2][1].requires_grad_(True)  # though nothing updates it
model.train()
backbone.eval()
head = [parameter for part in model[1:] for parameter in part.parameters()]
optimizer = torch.optim.SGD(head, 0.05, momentum=0.9)
record.watch(model=model, optimizer=optimizer)
for _ in record.updates:
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(torch.randn(2, 3, 28, 28)), torch.randint(5, (2,)))
    loss.backward()
    optimizer.step()
    record.loss(loss)
record.end()
