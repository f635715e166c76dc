"""A training with DDP: `torchrun --nproc-per-node R planned.py --model NAME --batch N`."""

from __future__ import annotations

import argparse
from itertools import count

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, Dataset, DistributedSampler, TensorDataset

SAMPLES, CLASSES = 4_096, 10
LETTERS, CONTEXT, WIDTH, LAYERS, HEADS = 65, 64, 128, 2, 4


class Residual(nn.Module):  # type: ignore[misc]
    """Two convolutions beside a shortcut."""

    def __init__(self, width: int) -> None:
        super().__init__()
        layers = (nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width))
        self.first = nn.Sequential(*layers, nn.ReLU())
        self.second = nn.Sequential(nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = nn.functional.relu(x + self.second(self.first(x)))
        return result


def convolutions() -> tuple[nn.Module, Dataset[tuple[torch.Tensor, ...]]]:
    """A small residual network for images of 32 x 32."""
    layers = [nn.Conv2d(3, 16, 3, padding=1), Residual(16), nn.Conv2d(16, 32, 3, 2, 1), Residual(32)]
    layers += [nn.Conv2d(32, 64, 3, 2, 1), Residual(64), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, CLASSES)]
    images = torch.rand(SAMPLES // 4, 3, 32, 32)
    return nn.Sequential(*layers), TensorDataset(images, torch.randint(CLASSES, (len(images),)))


def transformer() -> tuple[nn.Module, Dataset[tuple[torch.Tensor, ...]]]:
    """A small encoder that classifies sequences of letters."""
    layer = nn.TransformerEncoderLayer(WIDTH, HEADS, 4 * WIDTH, dropout=0.0, batch_first=True)
    model = nn.Sequential(
        nn.Embedding(LETTERS, WIDTH),
        nn.TransformerEncoder(layer, LAYERS),
        nn.Flatten(),
        nn.Linear(CONTEXT * WIDTH, CLASSES),
    )
    texts = torch.randint(LETTERS, (SAMPLES, CONTEXT))
    return model, TensorDataset(texts, torch.randint(CLASSES, (SAMPLES,)))


MODELS = {"convolutions": convolutions, "transformer": transformer}


def main() -> None:
    """Train until the profiler ends it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", choices=MODELS, default="convolutions")
    parser.add_argument("--batch", type=int, default=32)
    options = parser.parse_args()
    dist.init_process_group("gloo")
    torch.manual_seed(0)
    module, data = MODELS[options.model]()
    model = DistributedDataParallel(module)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    sampler = DistributedSampler(data)
    batches = DataLoader(data, options.batch, sampler=sampler, drop_last=True)
    for epoch in count():
        sampler.set_epoch(epoch)
        for inputs, labels in batches:
            nn.functional.cross_entropy(model(inputs), labels).backward()
            optimizer.step()
            optimizer.zero_grad()


if __name__ == "__main__":
    main()
