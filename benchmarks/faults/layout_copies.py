# rule: layout-copies
"""Every block permutes its activations for a norm over channels, and back, and makes both contiguous."""

import torch
from torch import nn

torch.manual_seed(0)


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.mix = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)

    def forward(self, x):
        x = self.norm(x.permute(0, 2, 3, 1).contiguous())
        return self.mix(x.permute(0, 3, 1, 2).contiguous())


model = nn.Sequential(*(Block(48) for _ in range(4)))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
images = torch.randn(8, 48, 56, 56)
for _ in range(150):
    loss = model(images).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
