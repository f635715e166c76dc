"""Train with DistributedDataParallel; rank 1 works longer in each step if it is told to."""

import argparse

import torch
import torch.distributed as dist
from torch import nn


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--iterations", type=int, default=300)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--slow", action="store_true", help="rank 1 computes its loss over and over")
    options = parser.parse_args()

    dist.init_process_group("gloo")
    torch.manual_seed(dist.get_rank())
    model = nn.parallel.DistributedDataParallel(nn.Sequential(nn.Linear(512, 1024), nn.ReLU(), nn.Linear(1024, 512)))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for step in range(1, options.iterations + 1):
        inputs, targets = torch.randn(options.batch, 512), torch.randn(options.batch, 512)
        optimizer.zero_grad()
        outputs = model(inputs)
        loss = nn.functional.mse_loss(outputs, targets)
        if options.slow and dist.get_rank() == 1:
            for _ in range(100):
                loss = nn.functional.mse_loss(outputs, targets)
        loss.backward()
        optimizer.step()
        if step % 100 == 0 and dist.get_rank() == 0:
            print(f"step {step}  loss {loss.item():.3f}", flush=True)
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
