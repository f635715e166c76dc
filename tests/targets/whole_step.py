"""A generator and two critics that share the paths of their layers, fed by a slow dataset on the training thread."""

from __future__ import annotations

import time

import lazy_dynamo  # noqa: F401
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

STEPS = 30


class Slow(Dataset):
    def __len__(self) -> int:
        return 4 * STEPS

    def __getitem__(self, index: int) -> torch.Tensor:
        time.sleep(0.005)
        return torch.rand(8)


class Generator(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.main = nn.Sequential(nn.Linear(8, 8), nn.Tanh())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.main(x)


class Critic(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.main = nn.Sequential(nn.Linear(8, 4), nn.Tanh())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.main(x)


torch.manual_seed(0)
generator, first, second = Generator(), Critic(), Critic()
parameters = [parameter for model in (generator, first, second) for parameter in model.parameters()]
optimizer = torch.optim.SGD(parameters, lr=0.1)
for batch in DataLoader(Slow(), batch_size=4):
    made = generator(batch)
    loss = (first(made) - second(made)).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f"{float(loss):.6f}")
