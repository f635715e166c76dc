# rule: small-operators
"""A pendulum is simulated in hundreds of operators on a few numbers each."""

import torch
from torch import nn

torch.manual_seed(0)
length, damping = nn.Parameter(torch.tensor(1.5)), nn.Parameter(torch.tensor(0.2))
optimizer = torch.optim.Adam([length, damping], lr=1e-3)
for _ in range(250):
    angle, speed = torch.rand(16), torch.zeros(16)
    for _ in range(150):
        speed = speed + 0.01 * (-9.81 / length * torch.sin(angle) - damping * speed)
        angle = angle + 0.01 * speed
    loss = angle.pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
