# rule: denormals
"""The last layers get gradients of zero after a while, so Adam's second moments decay into denormals and stay there."""

import torch
from torch import nn

torch.manual_seed(0)
embedding = nn.Parameter(torch.randn(3000, 256))
scale = nn.Parameter(torch.ones(256))
optimizer = torch.optim.Adam([embedding, scale], lr=1e-3, betas=(0.9, 0.9), fused=False)
for step in range(2500):
    used = 1.0 if step < 3 else 0.0
    loss = (used * embedding).pow(2).mean() + (scale * torch.randn(64, 256)).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
