"""A training whose step is mostly Adam's updates of many small tensors; with LOG=1, it writes a file on the way."""

import os

import torch

torch.manual_seed(0)
net = torch.nn.Sequential(*(torch.nn.Linear(64, 64) for _ in range(20)))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-4)
inputs = torch.rand(8, 64)
for step in range(int(os.environ.get("STEPS", "40"))):
    optimizer.zero_grad()
    loss = net(inputs).pow(2).mean()
    loss.backward()
    optimizer.step()
    if os.environ.get("LOG") and step == 5:
        with open("losses.csv", "a") as log:
            log.write(f"{loss.item()}\n")
