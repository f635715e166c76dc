"""Trains while the disk with its session is full: FROM step FULL on, and for good or up to step FREE."""

import os
import sys
import time

import lazy_dynamo  # noqa: F401
import torch

full, free, steps = map(int, sys.argv[1:4])
filler = os.path.join(sys.argv[4], "filler")
torch.manual_seed(0)
model = torch.nn.Linear(8, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for step in range(steps):
    if step == full:
        with open(filler, "wb", buffering=0) as stream:
            for size in (65536, 4096, 1):
                try:
                    while stream.write(b"x" * size):
                        pass
                except OSError:
                    pass
    if step == free:
        os.unlink(filler)
    loss = model(torch.randn(4, 8)).square().mean()
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    time.sleep(0.02)
print(f"{loss.item():.6f}")
sys.exit(5)
