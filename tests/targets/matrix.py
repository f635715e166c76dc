"""A training whose every figure is known beforehand: `matrix.py train` prints its losses and weights.

`matrix.py profile` prints the calls and microseconds of each operator in a step, from torch's own `key_averages`.
"""

import hashlib
import json
import sys
import time
import warnings

warnings.filterwarnings("ignore")

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

STEPS = 60
SECONDS_BETWEEN = 0.02


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.norm = nn.BatchNorm2d(8)
        self.head = nn.Linear(8 * 14 * 14, 4)

    def forward(self, images):
        return self.head(torch.relu(self.norm(self.conv(images))).flatten(1))


def batches():
    images, labels = torch.rand(STEPS * 4, 3, 16, 16), torch.arange(STEPS * 4) % 4
    return DataLoader(TensorDataset(images, labels), batch_size=4)


def training():
    """A generator that makes a step each time it is asked for a loss."""
    torch.manual_seed(0)
    net = Net()
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for images, labels in batches():
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(images), labels)
        loss.backward()
        optimizer.step()
        yield float(loss), net


def train():
    for loss, net in training():
        print(f"{loss:.9g}")
        time.sleep(SECONDS_BETWEEN)
    weights = b"".join(value.detach().numpy().tobytes() for value in net.state_dict().values())
    print(hashlib.sha256(weights).hexdigest())


def profile():
    steps = training()
    for _ in range(5):
        next(steps)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profiler:
        next(steps)
    rows = {row.key: [row.count, row.self_cpu_time_total] for row in profiler.key_averages()}
    print(json.dumps(rows))


if __name__ == "__main__":
    globals()[sys.argv[1]]()
