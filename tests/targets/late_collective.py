"""Two ranks; operator windows of rank 0 close while a collective of theirs is still waiting for rank 1."""

import os
import sys
import time

import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from profilednn_tui.agent.isolation.guard import Guard
from profilednn_tui.agent.windows.torch_profiler import TorchProfiler


def work(rank, folder):
    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2)
    profiler = TorchProfiler(torch, Guard(print))
    x = torch.ones(4)
    for _ in range(12):
        if rank == 0:
            profiler.start(stacks=False)
            for _ in range(60):
                x + 1
            waiting = dist.all_reduce(x, async_op=True)
            profiler.stop()
            memory = [[None] * 250 for _ in range(4000)]
            waiting.wait()
            time.sleep(0.01)
            assert all(one.count(None) == len(one) for one in memory)
        else:
            time.sleep(0.2)
            dist.all_reduce(x)
    dist.destroy_process_group()


if __name__ == "__main__":
    os.environ["OMP_NUM_THREADS"] = "1"
    mp.spawn(work, (sys.argv[1],), nprocs=2)
    print("unharmed")
