# rule: reorders
"""Pointwise convolutions over large NCHW images: oneDNN repacks every input and output."""

import torch
from torch import nn

torch.manual_seed(0)
layers = []
for _ in range(6):
    layers += [nn.Conv2d(32, 32, 1, bias=False), nn.ReLU(inplace=True)]
model = nn.Sequential(*layers)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
images = torch.randn(8, 32, 64, 64)
for _ in range(300):
    loss = model(images).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
