"""A U-Net that learns to segment random images."""

import torch
from torch import nn


def block(inputs, outputs):
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(),
        nn.Conv2d(outputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(),
    )  # fmt: skip


class UNet(nn.Module):
    """Three levels with skip connections."""

    def __init__(self, width=32, classes=5):
        super().__init__()
        self.first, self.second = block(3, width), block(width, 2 * width)
        self.bottom = block(2 * width, 4 * width)
        self.up_second = nn.ConvTranspose2d(4 * width, 2 * width, 2, 2)
        self.up_first = nn.ConvTranspose2d(2 * width, width, 2, 2)
        self.after_second, self.after_first = block(4 * width, 2 * width), block(2 * width, width)
        self.head = nn.Conv2d(width, classes, 1)
        self.pool = nn.MaxPool2d(2)

    def forward(self, x):
        first = self.first(x)
        second = self.second(self.pool(first))
        x = self.up_second(self.bottom(self.pool(second)))
        x = self.up_first(self.after_second(torch.cat([x, second], 1)))
        return self.head(self.after_first(torch.cat([x, first], 1)))


torch.manual_seed(0)
model = UNet()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
images, labels = torch.rand(4, 3, 96, 96), torch.randint(5, (4, 96, 96))
while True:
    loss = nn.functional.cross_entropy(model(images), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
