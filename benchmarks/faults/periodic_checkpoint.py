# rule: periodic-stall
"""A checkpoint of model and optimizer is written every ten steps."""

import tempfile

import torch
from torch import nn

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(512, 4096), nn.ReLU(), nn.Linear(4096, 512))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-4, fused=True)
with tempfile.TemporaryFile() as file:
    for step in range(400):
        loss = model(torch.randn(64, 512)).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 10 == 9:
            file.seek(0)
            torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, file)
