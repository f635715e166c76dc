# rule: layout-copies
"""Every block permutes its activations for a layer over channels, and back, and makes both contiguous."""

import torch
from torch import nn

torch.manual_seed(0)


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.mix = nn.Linear(channels, channels)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x):
        x = torch.relu(self.mix(x.permute(0, 2, 3, 1).contiguous()))
        return self.norm(x.permute(0, 3, 1, 2).contiguous())


model = nn.Sequential(*(Block(48) for _ in range(3)))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
images = torch.randn(8, 48, 56, 56)
for _ in range(150):
    loss = model(images).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
