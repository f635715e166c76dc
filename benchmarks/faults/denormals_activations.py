# rule: denormals
"""Kernel values of distant prototypes underflow into denormals, of which a logarithm is taken."""

import torch
from torch import nn

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(64, 128), nn.Tanh(), nn.Linear(128, 64))
prototypes = torch.randn(2000, 64)
optimizer = torch.optim.SGD(model.parameters(), lr=1e-6)
for _ in range(600):
    distances = torch.cdist(model(torch.randn(256, 64)), prototypes)
    kernel = torch.exp(-distances.div(distances.detach().mean()).pow(2) * 92)
    loss = kernel.add(1e-42).log().mean() * 1e-3
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
