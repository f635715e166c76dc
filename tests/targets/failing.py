"""Trains a small convolutional net whose forward fails in one way or another under another memory layout.

`python failing.py MODE`: `view` in the first call, `later` in the sixth, `own` always, `prints` as `view` but visibly.
"""

import sys

import lazy_dynamo  # noqa: F401
import torch
from torch import nn

MODE = sys.argv[1]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.drop = nn.Dropout(0.5)
        self.norm = nn.BatchNorm2d(8)
        self.head = nn.Linear(8 * 8 * 8, 5)
        self.calls = 0

    def forward(self, x):
        x = self.norm(torch.max_pool2d(self.conv(self.drop(x)), 2))
        return self.head(self.flat(x))

    def flat(self, x):
        if MODE == "own":
            raise ValueError("this is my own fault")
        if MODE == "later":
            self.calls += 1
        return x.flatten(1) if MODE == "later" and self.calls < 6 else x.view(-1, 8 * 8 * 8)


class Talking(Net):
    def flat(self, x):
        print("flattening", flush=True)
        return super().flat(x)


torch.manual_seed(0)
model = Talking() if MODE == "prints" else Net()
optimizer = torch.optim.SGD(model.parameters(), 0.01)
for step in range(8):
    loss = nn.functional.cross_entropy(model(torch.randn(4, 3, 16, 16)), torch.randint(5, (4,)))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, round(loss.item(), 3), round(float(model.norm.running_mean.sum()), 3), flush=True)
