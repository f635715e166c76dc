"""A training with a function that takes a fifth of the step, and more by as many percent as PLANTED says."""

import os

import torch
from torch import nn

torch.manual_seed(0)
torch.set_num_threads(1)
if "CORE" in os.environ:
    os.sched_setaffinity(0, {int(os.environ["CORE"])})
SIDE = 192
ROUNDS = 20
EXTRA = int(os.environ.get("PLANTED", "0")) * ROUNDS // 100
weights = torch.randn(SIDE, SIDE) / SIDE


def augment(images):
    half = images[: SIDE // 2]
    for _ in range(ROUNDS + EXTRA):
        half = (half @ weights).tanh()
    return torch.cat((half, images[SIDE // 2 :]))


def normalize(images):
    return (images - images.mean()) / images.std()


model = nn.Sequential(nn.Linear(SIDE, 512), nn.GELU(), nn.Linear(512, 512), nn.GELU(), nn.Linear(512, SIDE))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
for _ in range(400):
    images = normalize(augment(torch.randn(SIDE, SIDE)))
    loss = nn.functional.mse_loss(model(images), images)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
