"""Situations in which one optimization has an effect, or has none: `receipts.py SITUATION` prints its median step in ms.

A situation is a function that returns one training step; the first steps are left out.
"""

import os
import statistics
import sys
import time

import lazy_dynamo  # noqa: F401

situation = sys.argv[1]
if situation in ("one_thread_by_wrapper", "one_thread"):
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # as torchrun does

import torch
from torch import nn
from torch.nn import functional as F

STEPS, WARM_UP = 40, 10


def trained(model, optimizer, loss):
    def step():
        optimizer.zero_grad()
        loss(model).backward()
        optimizer.step()

    return step


def sgd(parameters):
    return torch.optim.SGD(parameters, 0.001)


def net(*norm, channels=48):
    return nn.Sequential(
        nn.Conv2d(3, channels, 3, padding=1),
        *norm,
        nn.ReLU(),
        nn.Conv2d(channels, channels, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(channels, 10),
    )


IMAGES, LABELS = torch.rand(8, 3, 48, 48), torch.randint(10, (8,))


def classification(model):
    return F.cross_entropy(model(IMAGES), LABELS)


def convolutions():
    model = net()
    return trained(model, sgd(model.parameters()), classification)


def perceptron():
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 48 * 48, 64), nn.ReLU(), nn.Linear(64, 10))
    return trained(model, sgd(model.parameters()), classification)


def evaluated_only():
    model = net()

    def step():
        with torch.no_grad():
            model(IMAGES)

    return step


def large_temporaries():
    weight = nn.Parameter(torch.ones(4_000_000))
    return trained(weight, sgd([weight]), lambda weight: ((weight * 2).sin() + 1).exp().mean())


def pointwise_chain():
    class Chain(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.rand(500_000))

        def forward(self):
            x = self.weight
            for _ in range(12):
                x = x * 0.99 + x.tanh() * 0.01
            return x.mean()

    model = Chain()
    return trained(model, sgd(model.parameters()), lambda model: model())


def compiled_by_itself():
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    compiled = torch.compile(model, backend="eager")
    x = torch.rand(8, 64)
    return trained(compiled, sgd(model.parameters()), lambda model: model(x).mean())


def denormal():
    weight, scale = nn.Parameter(torch.zeros(1_000_000)), torch.full((1_000_000,), 1e-39)
    return trained(weight, sgd([weight]), lambda weight: (weight * scale.sqrt()).sum())


def normal():
    weight, scale = nn.Parameter(torch.zeros(1_000_000)), torch.full((1_000_000,), 1e-3)
    return trained(weight, sgd([weight]), lambda weight: (weight * scale.sqrt()).sum())


def unowned_layers():
    model = net()
    return trained(model, sgd(model[-1].parameters()), classification)


def frozen_norm():
    model = net(nn.BatchNorm2d(48).eval().requires_grad_(False))
    return trained(model, sgd([one for one in model.parameters() if one.requires_grad]), classification)


def training_norm():
    model = net(nn.BatchNorm2d(48))
    return trained(model, sgd(model.parameters()), classification)


def focal():
    from torchvision.ops import sigmoid_focal_loss

    model, x = nn.Linear(16, 100), torch.rand(20_000, 16)
    targets = (torch.rand(20_000, 100) < 0.01).float()
    return trained(model, sgd(model.parameters()), lambda model: sigmoid_focal_loss(model(x), targets, reduction="sum"))


def many_parameters():
    model = nn.ModuleList(nn.Linear(64, 64) for _ in range(60))
    x = torch.rand(8, 64)
    return trained(model, torch.optim.AdamW(model.parameters()), lambda model: sum(one(x).mean() for one in model))


def fused_by_itself():
    model = nn.Sequential(nn.Linear(64, 64), nn.Linear(64, 10))
    x = torch.rand(8, 64)
    return trained(model, torch.optim.AdamW(model.parameters(), fused=True), lambda model: model(x).mean())


def many_small_loops():
    weight = nn.Parameter(torch.ones(60_000))

    def loss(weight):
        x = weight
        for _ in range(100):
            x = x * 1.0001
        return x.mean()

    return trained(weight, sgd([weight]), loss)


def wide_convolutions():
    model = net(nn.ReLU(), nn.Conv2d(128, 128, 3, padding=1), channels=128)
    return trained(
        model, sgd(model.parameters()), lambda model: F.cross_entropy(model(IMAGES[:2, :, :28, :28]), LABELS[:2])
    )


def restarted_workers():
    """Each step is an epoch, for which two workers are started."""
    images = torch.utils.data.TensorDataset(IMAGES[:4], LABELS[:4])
    loader = torch.utils.data.DataLoader(images, batch_size=2, num_workers=2)
    model = net()
    optimizer = sgd(model.parameters())

    def step():
        for x, y in loader:
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()

    return step


one_thread_by_wrapper = convolutions
one_thread = many_small_loops

torch.manual_seed(0)
step = globals()[situation]()
times_ms = []
for _ in range(STEPS):
    begin = time.perf_counter()
    step()
    times_ms.append(1e3 * (time.perf_counter() - begin))
print(f"{statistics.median(times_ms[WARM_UP:]):.4f}")
