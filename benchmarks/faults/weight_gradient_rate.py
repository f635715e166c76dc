# rule: weight-gradient-rate
"""Dilated convolutions in NHWC: their weight gradients run as plain matrix products, far below the forward rate."""

import torch
from torch import nn

torch.manual_seed(0)
model = nn.Sequential(*(nn.Conv2d(48, 48, 3, padding=4, dilation=4) for _ in range(4)))
model = model.to(memory_format=torch.channels_last)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
images = torch.randn(4, 48, 48, 48).to(memory_format=torch.channels_last)
for _ in range(200):
    loss = model(images).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
