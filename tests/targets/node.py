"""A rank of a training on several machines, started by torchrun; `python node.py STEPS LATE`: rank 1 computes LATE
milliseconds longer in its backward pass. Prints a digest of the weights."""

import hashlib
import os
import sys

import lazy_dynamo  # noqa: F401
import torch
import torch.distributed as dist
from ranks import WIDTH, Net
from torch.nn.parallel import DistributedDataParallel

steps, late = int(sys.argv[1]), float(sys.argv[2])
torch.set_num_threads(1)
dist.init_process_group("gloo")
rank = dist.get_rank()
torch.manual_seed(0)
model = DistributedDataParallel(Net({"backward": late} if rank == 1 else {}), find_unused_parameters=True)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
torch.manual_seed(rank)
for _ in range(steps):
    loss = model(torch.randn(64, WIDTH)).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
digest = hashlib.sha256(b"".join(each.detach().numpy().tobytes() for each in model.parameters())).hexdigest()
print(f"rank {rank} of {os.environ['WORLD_SIZE']}: {digest[:16]}", flush=True)
dist.destroy_process_group()
