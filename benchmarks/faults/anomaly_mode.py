# rule: anomaly-mode
"""Anomaly detection was left on after a search for NaN."""

import torch
from torch import nn

torch.manual_seed(0)
torch.autograd.set_detect_anomaly(True)
layers = []
for _ in range(20):
    layers += [nn.Linear(128, 128), nn.LayerNorm(128), nn.GELU()]
model = nn.Sequential(*layers)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for _ in range(400):
    loss = model(torch.randn(64, 128)).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
