"""A wide perceptron on tabular data."""

import torch
from torch import nn

torch.manual_seed(0)
data, labels = torch.randn(8192, 512), torch.randint(0, 10, (8192,))
model = nn.Sequential(nn.Linear(512, 1536), nn.ReLU(), nn.Linear(1536, 1536), nn.ReLU(), nn.Linear(1536, 10))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
for _ in range(18):
    for batch in torch.randperm(len(data)).split(512):
        loss = nn.functional.cross_entropy(model(data[batch]), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
