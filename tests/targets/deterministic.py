"""Trains for a fixed number of steps, whose result depends on every bit, and prints a hash of the weights.

`python deterministic.py STEPS [THREADS] [hold]`; with "hold" it says "ready" after the first step, and takes its
time until a line comes on stdin.
"""

import hashlib
import select
import sys

import torch
from torch import nn


def train(steps, hold=False):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(64, 128), nn.GELU(), nn.LayerNorm(128), nn.Linear(128, 64), nn.Tanh())
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    numbers = torch.Generator().manual_seed(1)
    for step in range(steps):
        if hold and step == 1:
            print("ready", flush=True)
        if hold and step > 1:
            select.select([sys.stdin], [], [], 0.002 if step < 2000 else 0.05)  # at once when the line is there
        inputs = torch.randn(32, 64, generator=numbers)
        optimizer.zero_grad()
        nn.functional.mse_loss(net(inputs), inputs).backward()
        optimizer.step()
    return net


if __name__ == "__main__":
    torch.set_num_threads(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    weights = hashlib.sha256()
    for parameter in train(int(sys.argv[1]), hold="hold" in sys.argv).parameters():
        weights.update(parameter.detach().numpy().tobytes())
    print("weights", weights.hexdigest())
