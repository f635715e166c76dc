"""A training whose step burns a share more compute on demand; its losses hang on all random numbers."""

import os
import random
import subprocess
import sys

import numpy
import torch

work = float(os.environ.get("WORK", "1"))
fail = os.environ.get("FAIL")
if os.environ.get("CHILD"):
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
net = torch.nn.Linear(16, 1)
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
inputs = torch.rand(8, 16) + random.random() + numpy.random.rand()
burned = torch.rand(200, 200)
for step in range(100_000):
    if fail and step == int(fail):
        raise ValueError("told to fail")
    for _ in range(int(4 * work)):
        burned @ burned
    optimizer.zero_grad()
    net(inputs).pow(2).mean().backward()
    optimizer.step()
