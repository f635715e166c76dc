"""Two ranks, each with a part of the optimizer; parameters become views of buckets that are broadcast."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # as torchrun does

import tempfile

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from record import Record, ranks_agree
from torch import nn
from torch.distributed.optim import ZeroRedundancyOptimizer
from torch.nn.parallel import DistributedDataParallel


def work(rank, address):
    dist.init_process_group("gloo", f"file://{address}", rank=rank, world_size=2)
    record = Record()
    model = nn.Sequential(nn.Conv2d(3, 16, 3), nn.ReLU(), nn.Conv2d(16, 8, 3), nn.Flatten(), nn.Linear(8 * 64, 5))
    parallel = DistributedDataParallel(model)
    optimizer = ZeroRedundancyOptimizer(
        parallel.parameters(), optimizer_class=torch.optim.Adam, parameters_as_bucket_view=True, lr=1e-2
    )
    record.watch(model=model)
    torch.manual_seed(1 + rank)
    for _ in record.updates:
        optimizer.zero_grad()
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
