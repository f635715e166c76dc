"""Counts the operations of one training step of ResNet-50 as torch does; its output also holds oneDNN's reports.

With a number it trains for so many steps afterwards.
"""

import json
import sys

import lazy_dynamo  # noqa: F401
import torch
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models import resnet50

model = resnet50()
x, y = torch.randn(2, 3, 64, 64), torch.randint(1000, (2,))
with FlopCounterMode(display=False) as counter:
    torch.nn.functional.cross_entropy(model(x), y).backward()
counts = {str(name): count for name, count in counter.get_flop_counts()["Global"].items()}
print("counted " + json.dumps(counts), flush=True)

optimizer = torch.optim.SGD(model.parameters(), lr=0.001)
for _ in range(int(sys.argv[1]) if len(sys.argv) > 1 else 0):
    optimizer.zero_grad()
    torch.nn.functional.cross_entropy(model(x), y).backward()
    optimizer.step()
