# rule: neighbour
"""Two processes that do not belong to the training keep the cores busy until it ends."""

import os
import subprocess
import sys

import torch
from torch import nn

BUSY = f"import os\nwhile os.path.exists('/proc/{os.getpid()}'): sum(range(100_000))"
DETACHED = 'for _ in 1 2; do setsid "$0" -c "$1" > /dev/null 2>&1 & done'
subprocess.run(["sh", "-c", DETACHED, sys.executable, BUSY], check=True)

torch.manual_seed(0)
model = nn.Sequential(nn.Conv2d(3, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.Conv2d(64, 8, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for _ in range(300):
    loss = model(torch.randn(8, 3, 48, 48)).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
