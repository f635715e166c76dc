# rule: float64
"""NumPy's default precision has found its way into the model."""

import numpy as np
import torch
from torch import nn

torch.manual_seed(0)
data = torch.from_numpy(np.random.default_rng(0).standard_normal((4096, 256)))
model = nn.Sequential(nn.Linear(256, 1024), nn.Tanh(), nn.Linear(1024, 1024), nn.Tanh(), nn.Linear(1024, 1)).to(data)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for _ in range(300):
    batch = data[torch.randint(0, 4096, (256,))]
    loss = (model(batch) - batch.mean(1, keepdim=True)).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
