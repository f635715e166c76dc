"""Trains a small network for some epochs, each with a validation and some with a checkpoint.

`python epochs.py EPOCHS BATCHES VALIDATE_EVERY CHECKPOINT_EVERY WORKERS` prints when the last epoch was over.
"""

from __future__ import annotations

import sys
import tempfile
import time
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Images(Dataset[Any]):  # type: ignore[misc]
    """Made when asked for, as decoding does."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> tuple[Any, int]:
        numbers = torch.Generator().manual_seed(index)
        return torch.rand(1, 28, 28, generator=numbers), index % 10


def validate(model: Any, loader: Any) -> int:
    """The number of images that the model tells right."""
    model.eval()
    with torch.no_grad():
        right = sum(int((model(images).argmax(1) == labels).sum()) for images, labels in loader)
    model.train()
    return right


def main() -> None:
    """Train as the command line says."""
    epochs, batches, validate_every, checkpoint_every, workers = map(int, sys.argv[1:])
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3), nn.ReLU(), nn.Conv2d(16, 32, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(4608, 256),
        nn.ReLU(), nn.Linear(256, 10),
    )  # fmt: skip
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    training = DataLoader(Images(32 * batches), 32, shuffle=True, num_workers=workers)
    validation = DataLoader(Images(10 * batches), 64)
    for epoch in range(1, epochs + 1):
        for images, labels in training:
            loss = nn.functional.cross_entropy(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if epoch % validate_every == 0:
            validate(model, validation)
        if epoch % checkpoint_every == 0:
            with tempfile.TemporaryFile() as file:
                torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, file)
    print(time.time_ns())


if __name__ == "__main__":
    main()
