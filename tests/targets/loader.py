"""Trains on DataLoaders of several kinds and prints, as one line of JSON for each, all that its batches have led to.

`python loader.py KIND...`: the sum of all batches, the losses, the random state at the end, and what the program can see.
"""

import gc
import json
import multiprocessing
import random
import signal
import sys
import time

import lazy_dynamo  # noqa: F401
import torch
from torch import nn
from torch.utils.data import BatchSampler, DataLoader, Dataset, IterableDataset, RandomSampler

EPOCHS, SAMPLES = 3, 48


class Slow(Dataset):
    """Each sample takes a while, as if it had to be decoded."""

    def __init__(self):
        self.data = torch.randn(SAMPLES, 8)
        self.epoch = 0

    def __len__(self):
        return SAMPLES

    def __getitem__(self, index):
        time.sleep(0.004)
        return self.data[index] * 2 + self.epoch, index


class Slower(Slow):
    """Workers are worth their start within one epoch."""

    def __getitem__(self, index):
        time.sleep(0.016)
        return super().__getitem__(index)


class Augmented(Slow):
    def __getitem__(self, index):
        sample, index = super().__getitem__(index)
        return sample + torch.rand(8) + random.random(), index


class SometimesAugmented(Slow):
    """Draws random numbers for one sample only, long after the first batches."""

    def __getitem__(self, index):
        sample, index = super().__getitem__(index)
        return (sample + torch.rand(8) if index == SAMPLES - 1 else sample), index


class Caching(Slow):
    def __init__(self):
        super().__init__()
        self.cache = {}

    def __getitem__(self, index):
        if index not in self.cache:
            self.cache[index] = super().__getitem__(index)
        return self.cache[index]


class Printing(Slow):
    def __getitem__(self, index):
        print("sample", index)
        return super().__getitem__(index)


class Opened(Slow):
    def __init__(self):
        super().__init__()
        self.file = open(__file__, "rb")

    def __getitem__(self, index):
        self.file.seek(index)
        return super().__getitem__(index)[0] + self.file.read(1)[0], index


class Failing(Slow):
    def __getitem__(self, index):
        if index == SAMPLES - 2:
            raise KeyError(f"sample {index} is broken")
        return super().__getitem__(index)


class Growing(Slow):
    """The program raises `epoch` in the middle of an epoch."""


class Stream(IterableDataset):
    def __iter__(self):
        slow = Slow()
        return (slow[index] for index in range(SAMPLES))


class OwnSampler(RandomSampler):
    def __iter__(self):
        for index in range(SAMPLES):
            yield (index + random.randrange(3)) % SAMPLES


def loader(kind):
    if kind == "stream":
        return DataLoader(Stream(), batch_size=4)
    if kind == "own_sampler":
        data = Slow()
        return DataLoader(data, batch_sampler=BatchSampler(OwnSampler(data), 4, drop_last=False))
    data = {
        "augmented": Augmented, "sometimes": SometimesAugmented, "caching": Caching, "printing": Printing,
        "opened": Opened, "failing": Failing, "growing": Growing, "workers_augmented": Augmented,
        "workers_caching": Caching, "anew": Slower,
    }.get(kind, Slow)()  # fmt: skip
    workers = {"num_workers": 2} if kind.startswith("workers") else {}
    if kind == "workers_init":
        workers["worker_init_fn"] = random.seed
    return DataLoader(data, batch_size=4, shuffle=kind != "sequential", **workers)


def main(kind):
    gc.disable()  # workers must not have to wait for it
    torch.manual_seed(3)
    random.seed(3)
    batches = loader(kind)
    net = nn.Sequential(nn.Linear(8, 8), nn.Dropout(0.5), nn.Linear(8, 1))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.001)
    losses, order, total = [], [], torch.zeros(8, dtype=torch.float64)
    for epoch in range(EPOCHS):
        if kind == "anew":
            batches = loader(kind)
        if kind in ("epochs", "workers_epochs"):
            batches.dataset.epoch = epoch
        for number, (x, index) in enumerate(batches):
            if kind == "growing" and epoch and number == 9:
                batches.dataset.epoch += 1
            if kind in ("breaking", "workers_breaking") and number == 7:
                break
            total += x.double().sum(0)
            order += index.tolist()
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(net(x)[:, 0], x[:, 0])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    cache, workers = getattr(getattr(batches, "dataset", None), "cache", ()), batches.num_workers
    del batches
    left = multiprocessing.active_children() if kind in ("anew", "stream") else []
    print(
        json.dumps(
            {
                "losses": losses,
                "order": order,
                "total": total.tolist(),
                "random": [torch.rand(()).item(), random.random()],
                "cached": len(cache),
                "workers": workers,
                "iterator": type(iter(DataLoader([1]))).__name__,
                "children": len(left),
                "handler": kind.startswith("workers") or signal.getsignal(signal.SIGCHLD) == signal.SIG_DFL,
                "context": kind.startswith("workers") or multiprocessing.get_start_method(allow_none=True),
            }
        )
    )


if __name__ == "__main__":
    for kind in sys.argv[1:]:
        main(kind)
