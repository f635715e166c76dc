"""Trains until a line comes on stdin, or with the numbers of threads in a file, one for each step.

It prints "ready" after its first step and, at the end, a checksum of the weights; the numbers of threads that it saw go
to the file named first.
"""

from __future__ import annotations

import hashlib
import json
import select
import sys
from pathlib import Path

import lazy_dynamo  # noqa: F401
import torch
from torch import nn

seen_file, *given = sys.argv[1:]
counts = json.loads(Path(given[0]).read_text()) if given else None
if counts is None:
    torch.set_num_threads(8)
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(256, 256), nn.Tanh(), nn.Linear(256, 1))
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
inputs = torch.rand(256, 256)
seen: list[int] = []
while len(seen) < len(counts) if counts is not None else not select.select([sys.stdin], [], [], 0)[0]:
    if counts is not None:
        torch.set_num_threads(counts[len(seen)])
    seen.append(torch.get_num_threads())
    optimizer.zero_grad()
    net(inputs).pow(2).mean().backward()
    optimizer.step()
    if len(seen) == 1:
        print("ready", flush=True)
Path(seen_file).write_text(json.dumps(seen))
print(hashlib.sha256(b"".join(weights.detach().numpy().tobytes() for weights in net.parameters())).hexdigest())
