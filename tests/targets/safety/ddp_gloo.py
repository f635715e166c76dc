"""Two ranks on gloo, spawned: gradients are views of the buckets, which were built before the first call."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # as torchrun does

import tempfile

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from record import Record, ranks_agree
from torch import nn
from torch.nn.parallel import DistributedDataParallel


def work(rank, address):
    dist.init_process_group("gloo", f"file://{address}", rank=rank, world_size=2)
    record = Record()
    model = nn.Sequential(
        nn.Conv2d(3, 16, 3, bias=False),  # below a batch norm, rounding errors alone would move a bias
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Conv2d(16, 16, 3),
        nn.Flatten(),
        nn.Linear(16 * 64, 5),
    )
    parallel = DistributedDataParallel(model, gradient_as_bucket_view=True)
    optimizer = torch.optim.SGD(parallel.parameters(), 0.05, momentum=0.9)
    record.watch(model=model, optimizer=optimizer)
    torch.manual_seed(1 + rank)
    for _ in record.updates:
        optimizer.zero_grad(set_to_none=False)
        loss = nn.functional.cross_entropy(parallel(torch.randn(4, 3, 12, 12)), torch.randint(5, (4,)))
        loss.backward()
        optimizer.step()
        if rank == 0:
            record.loss(loss)  # this rank's own, as it reached the backward pass
        dist.all_reduce(loss.detach())
    agree = ranks_agree(model)
    if rank == 0:
        print("ranks agree:", agree, flush=True)
        record.end()
    dist.barrier()
    dist.destroy_process_group()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        mp.spawn(work, (f"{folder}/meet",), nprocs=2)
