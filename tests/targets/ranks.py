"""Trains on two ranks; `python ranks.py PROGRAM LATE WHERE STEPS WORLD ROWS`: rank 1 is LATE milliseconds late in WHERE.

Prints a digest of the weights and of the random state, for each rank. The first one makes the file that the variable
RANKS_TRAIN names once it trains; the ranks are spawned, or forked if RANKS_STARTED_BY is fork.
"""

import hashlib
import os
import sys
import tempfile
import time

import lazy_dynamo  # noqa: F401
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.nn.parallel import DistributedDataParallel

WIDTH, LAYERS = 192, 6


def busy(milliseconds):
    """Computes for so long, as the processor counts it."""
    until = time.thread_time() + milliseconds / 1e3
    x = torch.ones(48, 48)
    while time.thread_time() < until:
        x = (x @ x).clamp(-1, 1)


class Late(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, milliseconds):
        ctx.milliseconds = milliseconds
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        busy(ctx.milliseconds)
        return gradient, None


class Net(nn.Module):
    def __init__(self, late):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in range(LAYERS))
        self.unused = nn.Linear(2, 2)
        self.late = late

    def forward(self, x):
        if self.late.get("forward"):
            busy(self.late["forward"])
        for number, layer in enumerate(self.layers):
            x = torch.relu(layer(x))
            if number == LAYERS // 2 and self.late.get("backward"):
                x = Late.apply(x, self.late["backward"])
        return x


class Batches(torch.utils.data.IterableDataset):
    def __init__(self, milliseconds, rows):
        self.milliseconds = milliseconds
        self.rows = rows

    def __iter__(self):
        while True:
            busy(self.milliseconds)
            yield torch.randn(self.rows, WIDTH)


def batches(late, rows):
    if late.get("data"):
        return torch.utils.data.DataLoader(Batches(late["data"], rows), batch_size=None)
    return iter(lambda: torch.randn(rows, WIDTH), None)


def train(rank, world, folder, program, milliseconds, where, steps, rows):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=world)
    torch.manual_seed(0)
    late = {where: milliseconds} if rank == 1 and milliseconds else {}
    net = Net(late)
    if program != "unused":
        del net.unused
    options = {"buckets": {"bucket_cap_mb": 0.3}, "unused": {"find_unused_parameters": True}}.get(program, {})
    model = net if program in ("by_hand", "functional", "fsdp", "tensor") else DistributedDataParallel(net, **options)
    if program == "compressed":
        from torch.distributed.algorithms.ddp_comm_hooks.default_hooks import bf16_compress_hook

        model.register_comm_hook(None, bf16_compress_hook)
    if program == "functional":
        import torch.distributed._functional_collectives as functional
    if program == "tensor":
        from torch.distributed.device_mesh import init_device_mesh
        from torch.distributed.tensor.parallel import ColwiseParallel, RowwiseParallel, parallelize_module

        plan = {f"layers.{number}": (RowwiseParallel if number % 2 else ColwiseParallel)() for number in range(LAYERS)}
        parallelize_module(net, init_device_mesh("cpu", (world,)), plan)
    if program == "fsdp":
        from torch.distributed.device_mesh import init_device_mesh
        from torch.distributed.fsdp import fully_shard

        mesh = init_device_mesh("cpu", (world,))
        for layer in net.layers:
            fully_shard(layer, mesh=mesh)
        fully_shard(net, mesh=mesh)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    torch.manual_seed(rank)
    for step, x in zip(range(steps), batches(late, rows)):
        if late.get("other"):
            busy(late["other"])
        if late.get("sleep"):
            time.sleep(late["sleep"] / 1e3)
        if step == 5 and rank == 0 and "RANKS_TRAIN" in os.environ:
            with open(os.environ["RANKS_TRAIN"], "w"):
                pass
        local = program == "no_sync" and step % 2 == 0
        if local:
            with model.no_sync():
                model(x).square().mean().backward()
            optimizer.step()
            continue
        model(x).square().mean().backward()
        if program == "by_hand":
            for parameter in model.parameters():
                dist.all_reduce(parameter.grad)
                parameter.grad /= world
        if program == "functional":
            for parameter in model.parameters():
                parameter.grad = functional.all_reduce(parameter.grad, "avg", dist.group.WORLD) + 0.0
        if late.get("optimizer"):
            optimizer.register_step_pre_hook(lambda *_: busy(late["optimizer"])) if not step else None
        optimizer.step()
        optimizer.zero_grad()
    weights = [one.full_tensor() if program in ("fsdp", "tensor") else one for one in model.parameters()]
    digest = hashlib.sha256(b"".join(one.detach().numpy().tobytes() for one in weights)).hexdigest()[:16]
    states = [None] * world
    dist.all_gather_object(states, [rank, digest, torch.rand(()).item()])
    if rank == 0:
        print(program, states)
    dist.barrier()
    dist.destroy_process_group()


def main(program="plain", milliseconds="0", where="backward", steps="40", world="2", rows="256"):
    if "RANK" in os.environ:  # started by torchrun
        folder = os.environ["RANKS_FOLDER"]
        train(int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]), folder, program, float(milliseconds), where,
              int(steps), int(rows))  # fmt: skip
        return
    with tempfile.TemporaryDirectory() as folder:
        arguments = (int(world), folder, program, float(milliseconds), where, int(steps), int(rows))
        mp.start_processes(train, arguments, int(world), start_method=os.environ.get("RANKS_STARTED_BY", "spawn"))


if __name__ == "__main__":
    main(*sys.argv[1:])
