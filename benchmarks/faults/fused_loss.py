# rule: fused-loss
"""torchvision's focal loss goes over all anchors and classes in a dozen operators."""

import torch
from torch import nn
from torchvision.ops import sigmoid_focal_loss

torch.manual_seed(0)
head = nn.Linear(16, 80)
optimizer = torch.optim.SGD(head.parameters(), lr=0.01)
anchors = torch.randn(12_000, 16)
targets = (torch.rand(12_000, 80) > 0.99).float()
for _ in range(250):
    loss = sigmoid_focal_loss(head(anchors), targets, reduction="sum") / 100
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
