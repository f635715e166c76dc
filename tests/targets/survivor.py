"""A short training that gives the same weights every time and keeps its own log of steps.

``survivor.py STEPS LOG`` appends one line a step to LOG, the time of day in nanoseconds, and ends with exit code 7.
"""

import hashlib
import os
import sys
import time

import lazy_dynamo  # noqa: F401
import torch
from torch import nn


def main(steps, log):
    torch.manual_seed(0)
    torch.set_num_threads(1)
    net = nn.Sequential(nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 1))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    inputs, wanted = torch.randn(256, 256), torch.randn(256, 1)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for step in range(1, steps + 1):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(net(inputs), wanted)
        loss.backward()
        optimizer.step()
        os.write(descriptor, b"%d\n" % time.time_ns())
        print(f"step {step} loss {loss.item():.6f}", flush=True)
    digest = hashlib.sha256(b"".join(parameter.detach().numpy().tobytes() for parameter in net.parameters()))
    print(f"weights {digest.hexdigest()}")
    sys.exit(7)


main(int(sys.argv[1]), sys.argv[2])
