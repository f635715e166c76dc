"""Train a transformer encoder on random sequences; prints the loss now and then."""

import argparse
import time

import torch
from torch import nn


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--iterations", type=int, default=300)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--pause", type=float, default=0.0, help="seconds to sleep after each step")
    options = parser.parse_args()

    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(options.width, 4, 4 * options.width, batch_first=True, dropout=0.0)
    model = nn.Sequential(nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), nn.Linear(options.width, 16))
    optimizer = torch.optim.AdamW(model.parameters(), lr=options.lr, foreach=False)
    criterion = nn.CrossEntropyLoss()
    inputs = torch.randn(options.batch, 32, options.width)
    labels = torch.randint(16, (options.batch * 32,))
    for _ in range(options.epochs):
        for step in range(1, options.iterations + 1):
            optimizer.zero_grad()
            loss = criterion(model(inputs).flatten(0, 1), labels)
            loss.backward()
            optimizer.step()
            if step % 100 == 0:
                print(f"step {step}  loss {loss.item():.3f}", flush=True)
            time.sleep(options.pause)


if __name__ == "__main__":
    main()
