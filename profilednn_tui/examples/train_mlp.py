"""Train a small multi-layer perceptron on random data: about a millisecond per step."""

from __future__ import annotations

import argparse

import torch
from torch import nn


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--lr", type=float, default=0.05)
    parser.add_argument("--print-every", type=int, default=200)
    options = parser.parse_args()

    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(64, options.width),
        nn.ReLU(),
        nn.Linear(options.width, options.width),
        nn.ReLU(),
        nn.Linear(options.width, 10),
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=options.lr, momentum=0.9)
    criterion = nn.CrossEntropyLoss()
    inputs = torch.randn(4096, 64)
    labels = (inputs @ torch.randn(64, 10)).argmax(dim=1)

    for step in range(1, options.steps + 1):
        chosen = torch.randint(len(inputs), (options.batch_size,))
        optimizer.zero_grad()
        loss = criterion(model(inputs[chosen]), labels[chosen])
        loss.backward()
        optimizer.step()
        if step % options.print_every == 0 or step == options.steps:
            print(f"step {step}  loss {loss.item():.4f}", flush=True)


if __name__ == "__main__":
    main()
