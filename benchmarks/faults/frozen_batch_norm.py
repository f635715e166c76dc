# rule: frozen-batch-norm
"""torchvision's frozen batch norms run as several operators over the activations each."""

import torch
from torch import nn
from torchvision.ops import FrozenBatchNorm2d

torch.manual_seed(0)
layers = []
for channels in (3, 32, 32, 32, 32):
    layers += [nn.Conv2d(channels, 32, 1, bias=False), FrozenBatchNorm2d(32), nn.ReLU(inplace=True)]
model = nn.Sequential(*layers).to(memory_format=torch.channels_last)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
images = torch.randn(8, 3, 80, 80).to(memory_format=torch.channels_last)
for _ in range(200):
    loss = model(images).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
