# rule: periodic-stall
"""The whole validation set is evaluated every 25 steps."""

import torch
from torch import nn

torch.manual_seed(0)
model = nn.Sequential(
    nn.Conv2d(1, 16, 3), nn.ReLU(), nn.Conv2d(16, 32, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(4608, 10)
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
validation = torch.randn(2048, 1, 28, 28).split(256)
for step in range(600):
    images, labels = torch.randn(32, 1, 28, 28), torch.randint(0, 10, (32,))
    loss = nn.functional.cross_entropy(model(images), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 25 == 24:
        with torch.no_grad():
            scores = [model(images).argmax(1) for images in validation]
