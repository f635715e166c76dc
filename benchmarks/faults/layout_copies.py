# rule: layout-copies
"""Every branch lays the same images out anew: NHWC to NCHW."""

import torch
from torch import nn

torch.manual_seed(0)


class Branch(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(size)
        self.head = nn.Linear(24 * size * size, 10)

    def forward(self, images):
        channels_first = images.permute(0, 3, 1, 2).contiguous()
        return self.head(self.pool(channels_first).flatten(1))


branches = nn.ModuleList(Branch(size) for size in (1, 2, 4, 8))
optimizer = torch.optim.SGD(branches.parameters(), lr=0.01)
images = torch.rand(16, 96, 96, 24)
for _ in range(300):
    scores = sum(branch(images) for branch in branches)
    loss = nn.functional.cross_entropy(scores, torch.randint(0, 10, (16,)))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
