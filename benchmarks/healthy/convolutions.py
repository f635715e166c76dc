"""A small residual network on images, in NHWC, as recommended for CPUs."""

import torch
from torch import nn

torch.manual_seed(0)


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x):
        return torch.relu(x + self.second(torch.relu(self.norm(self.first(x)))))


model = nn.Sequential(
    nn.Conv2d(3, 64, 3, stride=2, padding=1), nn.ReLU(), Block(64), Block(64), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    nn.Linear(64, 10),
).to(memory_format=torch.channels_last)  # fmt: skip
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, fused=True)
for _ in range(300):
    images = torch.randn(8, 3, 48, 48).to(memory_format=torch.channels_last)
    loss = nn.functional.cross_entropy(model(images), torch.randint(0, 10, (8,)))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
