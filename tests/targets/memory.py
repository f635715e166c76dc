"""Trainings whose memory is looked at, one a name: `memory.py NAME [STEPS]`."""

import os
import sys

import lazy_dynamo  # noqa: F401
import torch
from torch import nn

STEPS = int(sys.argv[2]) if len(sys.argv) > 2 else 40


def ask():
    """Ask the agent, if there is one, as the host would."""
    folder = os.environ.get("PROFILEDNN_SESSION")
    if folder:
        with open(os.path.join(folder, f"control-{os.getpid()}"), "a") as stream:
            stream.write('{"event": "command", "action": "memory_now", "value": 0.0}\n')


def train(keep, steps=STEPS):
    torch.manual_seed(0)
    torch.set_num_threads(1)
    net = nn.Sequential(nn.Linear(256, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 1))
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    kept = []
    for step in range(steps):
        loss = net(torch.randn(256, 256)).pow(2).mean()
        optimizer.zero_grad()
        loss.backward(retain_graph=keep)
        if step in (5, 30):
            ask()
        if step in range(6, 12) or step in range(31, 37):
            _pause()
        optimizer.step()
        if keep:
            kept.append(loss)
    digest = sum(float(parameter.double().sum()) for parameter in net.parameters())
    print(steps, digest.hex())


def _pause():
    """The agent's thread looks for commands a few times a second."""
    import time

    time.sleep(0.3)


def plain():
    train(keep=False)


def leak():
    train(keep=True)


if __name__ == "__main__":
    globals()[sys.argv[1]]()
