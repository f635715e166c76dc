# rule: optimizer-unfused
"""Adam updates its many parameters with a dozen operators for each of them."""

import torch
from torch import nn

torch.manual_seed(0)
model = nn.Sequential(*(nn.Linear(384, 384) for _ in range(24)))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, foreach=False)
for _ in range(300):
    loss = model(torch.randn(8, 384)).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
