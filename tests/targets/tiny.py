"""Shared by the other targets: a tiny model and loops around it."""

import lazy_dynamo  # noqa: F401
import torch
from torch import nn


def model(width=8):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 1))


def train(steps=12, width=8):
    net = model(width)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    inputs = torch.ones(4, width)
    for _ in range(steps):
        optimizer.zero_grad()
        net(inputs).pow(2).mean().backward()
        optimizer.step()
    return net
