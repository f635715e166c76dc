"""A head is trained on features of a backbone that runs without gradients."""

import torch
from torch import nn

torch.manual_seed(0)
backbone = nn.Sequential(
    nn.Conv2d(3, 32, 3, stride=2), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(4), nn.Flatten()
)
backbone = backbone.eval().to(memory_format=torch.channels_last)
head = nn.Sequential(nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, 20))
optimizer = torch.optim.AdamW(head.parameters(), lr=1e-3, fused=True)
for _ in range(400):
    images = torch.randn(24, 3, 64, 64).to(memory_format=torch.channels_last)
    with torch.no_grad():
        features = backbone(images)
    loss = nn.functional.cross_entropy(head(features), torch.randint(0, 20, (24,)))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
