# rule: thread-oversubscription
"""The script asks for 16 threads, as on the server that it was written for."""

import torch
from torch import nn

torch.manual_seed(0)
torch.set_num_threads(16)
model = nn.Sequential(nn.Linear(256, 512), nn.GELU(), nn.Linear(512, 512), nn.GELU(), nn.Linear(512, 16))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for _ in range(700):
    inputs, targets = torch.randn(256, 256), torch.randn(256, 16)
    loss = nn.functional.mse_loss(model(inputs), targets)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
