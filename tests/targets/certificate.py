"""Small trainings that each end with a hash of their weights: `certificate.py MODEL ...`; CASE=rate trains faster."""

import hashlib
import os
import sys

import lazy_dynamo  # noqa: F401
import torch
from torch import nn

torch.set_num_threads(1)
RATE = 0.01 * (1.01 if os.environ.get("CASE") == "rate" else 1)


def train(name):
    torch.manual_seed(0)
    if name == "sparse":
        model = nn.Sequential(nn.EmbeddingBag(50, 8, sparse=True), nn.Linear(8, 4))
        first, *others = model.parameters()
        optimizers = [torch.optim.SparseAdam([first]), torch.optim.SGD(others, lr=RATE)]
    else:
        model = nn.Sequential(
            nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4)
        )
        if name == "lbfgs":
            optimizers = [torch.optim.LBFGS(model.parameters(), lr=0.1, max_iter=3)]
        else:
            optimizers = [torch.optim.SGD(model.parameters(), lr=RATE, momentum=0.9, weight_decay=1e-4)]
    for _ in range(int(os.environ.get("STEPS", "100"))):
        inputs = torch.randint(0, 50, (4, 8)) if name == "sparse" else torch.randn(4, 3, 8, 8)
        labels = torch.randint(0, 4, (4,))

        def closure():
            for one in optimizers:
                one.zero_grad()
            loss = nn.functional.cross_entropy(model(inputs), labels)
            loss.backward()
            return loss

        if name == "lbfgs":
            optimizers[0].step(closure)
        else:
            closure()
            for one in optimizers:
                one.step()
    weights = hashlib.sha256()
    for parameter in model.parameters():
        weights.update(parameter.detach().numpy().tobytes())
    print(name, weights.hexdigest())


for name in sys.argv[1:]:
    train(name)
