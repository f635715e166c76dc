# rule: frozen-backward
"""Only the head is in the optimizer, but gradients of the whole backbone are computed."""

import torch
from torch import nn

torch.manual_seed(0)
layers = [nn.Conv2d(3, 32, 3, padding=1), nn.ReLU()]
for _ in range(4):
    layers += [nn.Conv2d(32, 32, 3, padding=1), nn.ReLU()]
backbone = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
head = nn.Linear(32, 10)
optimizer = torch.optim.SGD(head.parameters(), lr=0.1)
for _ in range(250):
    images, labels = torch.randn(8, 3, 64, 64), torch.randint(0, 10, (8,))
    loss = nn.functional.cross_entropy(head(backbone(images)), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
