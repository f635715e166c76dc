# rule: optimizer-unfused
"""Adam updates its many parameters with a dozen operators for each of them."""

import torch
from torch import nn

torch.manual_seed(0)
layers = nn.ModuleList(nn.Linear(384, 384) for _ in range(24))
optimizer = torch.optim.AdamW(layers.parameters(), lr=1e-4, foreach=False)
for _ in range(300):
    hidden = torch.randn(8, 384)
    for layer in layers:
        hidden = hidden + torch.tanh(layer(hidden))
    loss = hidden.pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
