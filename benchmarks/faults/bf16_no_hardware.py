# rule: bf16-no-hardware
"""Training runs under bfloat16 autocast on a processor without bfloat16 arithmetic."""

import torch
from torch import nn

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(512, 768), nn.ReLU(), nn.Linear(768, 768), nn.ReLU(), nn.Linear(768, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for _ in range(80):
    inputs, labels = torch.randn(96, 512), torch.randint(0, 10, (96,))
    with torch.autocast("cpu", torch.bfloat16):
        loss = nn.functional.cross_entropy(model(inputs), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
