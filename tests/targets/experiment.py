"""A training whose step burns a share more compute on demand; its losses hang on all random numbers."""

import os
import random
import signal
import subprocess
import sys

import lazy_dynamo  # noqa: F401
import numpy
import torch

work = float(os.environ.get("WORK", "1"))
fail = os.environ.get("FAIL")
told_to_end = []
if os.environ.get("LAST_STEPS"):
    signal.signal(signal.SIGTERM, lambda *_: told_to_end.append(0))
if os.environ.get("CHILD"):
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
net = torch.nn.Linear(16, 1)
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
inputs = torch.rand(8, 16) + random.random() + numpy.random.rand()
burned = torch.rand(200, 200)
for step in range(100_000):
    if fail and step == int(fail):
        raise ValueError("told to fail")
    if told_to_end:
        told_to_end.append(step)
        if len(told_to_end) > int(os.environ["LAST_STEPS"]):
            with open(f"last-words-{os.getpid()}", "w"):
                sys.exit(0)
    for _ in range(int(4 * work)):
        burned @ burned
    optimizer.zero_grad()
    net(inputs).pow(2).mean().backward()
    optimizer.step()
