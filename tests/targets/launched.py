"""Trains on the ranks that a launcher has started: `launched.py KIND END`.

KIND says how the program joins them: `env`, by torchrun's variables; `mpi` and `slurm`, by those of mpirun and srun, as
programs do that know them; `spawn`, by starting them itself; `alone`, not at all; or by `lightning`, `trainer` or
`accelerate`. END is what rank 1 does after ten steps: `raise`, `kill`, or `once`, to raise in the first life only; `early`,
to raise before any step.
"""

import os
import signal
import sys
import time

if sys.argv[1] in ("env", "mpi", "slurm", "spawn", "alone"):
    import lazy_dynamo  # noqa: F401
import torch
import torch.distributed as dist
from torch import nn

STEPS, BATCH, WIDTH = 40, 8, 16


def join(rank=None, world=None):
    torch.set_num_threads(1)
    if rank is not None:
        os.environ.update(RANK=str(rank), WORLD_SIZE=str(world))
    store, life = os.environ.get("STORE"), os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    rank, world = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    if store:
        dist.init_process_group("gloo", init_method=f"file://{store}.{life}", rank=rank, world_size=world)
    else:
        dist.init_process_group("gloo")


def end_of(how, rank):
    if rank != 1 or (how == "once" and os.environ.get("TORCHELASTIC_RESTART_COUNT", "0") != "0"):
        return
    if how in ("raise", "once", "early"):
        raise RuntimeError("out of luck")
    if how == "kill":
        time.sleep(2)  # until the host has seen us
        os.kill(os.getpid(), signal.SIGKILL)


def train(how, steps=STEPS):
    rank = dist.get_rank() if dist.is_initialized() else 0
    if how == "early":
        end_of(how, rank)
    torch.manual_seed(0)
    net = nn.Linear(WIDTH, 1)
    model = nn.parallel.DistributedDataParallel(net) if dist.is_initialized() else net
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for step in range(steps):
        model(torch.ones(BATCH, WIDTH)).pow(2).mean().backward()
        optimizer.step()
        optimizer.zero_grad()
        if step == 10:
            end_of(how, rank)
    if dist.is_initialized():
        dist.destroy_process_group()


def spawned(rank, how, store):
    os.environ["STORE"] = store
    join(rank, 2)
    train(how)


def spawn(how):
    import tempfile

    import torch.multiprocessing as mp

    with tempfile.TemporaryDirectory() as folder:
        mp.spawn(spawned, (how, f"{folder}/store"), nprocs=2)


def env(how):
    join()
    train(how)


def mpi(how):
    join(os.environ["OMPI_COMM_WORLD_RANK"], os.environ["OMPI_COMM_WORLD_SIZE"])
    train(how)


def slurm(how):
    join(os.environ["SLURM_PROCID"], os.environ["SLURM_NTASKS"])
    train(how)


def alone(how):
    train(how)


class Data(torch.utils.data.Dataset):
    def __len__(self):
        return 2 * STEPS * BATCH

    def __getitem__(self, index):
        return {"x": torch.ones(WIDTH), "labels": torch.zeros(1)}


def lightning(how):
    import lightning as pl

    class Module(pl.LightningModule):
        def __init__(self):
            super().__init__()
            self.net = nn.Linear(WIDTH, 1)

        def training_step(self, batch, index):
            return self.net(batch["x"]).pow(2).mean()

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.01)

    trainer = pl.Trainer(
        accelerator="cpu",
        devices=2,
        strategy="ddp",
        max_steps=STEPS,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(Module(), torch.utils.data.DataLoader(Data(), BATCH))


class Scored(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Linear(WIDTH, 1)

    def forward(self, x, labels=None):
        return {"loss": (self.net(x) - labels).pow(2).mean()}


def trainer(how):
    from transformers import Trainer, TrainingArguments

    arguments = TrainingArguments(
        os.environ["OUTPUT"],
        max_steps=STEPS,
        per_device_train_batch_size=BATCH,
        use_cpu=True,
        report_to=[],
        save_strategy="no",
        disable_tqdm=True,
        ddp_backend="gloo",
    )
    Trainer(Scored(), arguments, train_dataset=Data()).train()


def accelerate(how):
    from accelerate import Accelerator

    accelerator = Accelerator(cpu=True)
    model = nn.Linear(WIDTH, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    model, optimizer = accelerator.prepare(model, optimizer)
    for _ in range(STEPS):
        accelerator.backward(model(torch.ones(BATCH, WIDTH)).pow(2).mean())
        optimizer.step()
        optimizer.zero_grad()


if __name__ == "__main__":
    globals()[sys.argv[1]](sys.argv[2] if len(sys.argv) > 2 else "")
    if dist.is_initialized():  # gloo's threads abort one process in a hundred that ends without it, watched or not
        dist.destroy_process_group()
