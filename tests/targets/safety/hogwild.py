"""A shared model that two spawned workers train in place, as Hogwild does; they take turns, so that it is repeatable."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
import torch.multiprocessing as mp
from record import Record
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 16, 3)
        self.head = nn.Linear(16, 4)

    def forward(self, x):
        return self.head(torch.relu(self.conv(x)).mean((2, 3)))


def work(model, rank, turns, losses):
    torch.manual_seed(1 + rank)
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.5)
    for update in range(losses.shape[1]):
        assert turns[rank].acquire(timeout=60)
        x, y = torch.randn(8, 3, 12, 12), torch.randint(4, (8,))
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        losses[rank, update] = loss.item()
        turns[1 - rank].release()


if __name__ == "__main__":
    record = Record()
    model = Net().share_memory()
    record.watch(model=model)
    context = mp.get_context("spawn")
    turns = [context.Semaphore(1), context.Semaphore(0)]
    losses = torch.zeros(2, len(record.updates)).share_memory_()
    workers = [context.Process(target=work, args=(model, rank, turns, losses)) for rank in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for loss in losses.t().reshape(-1):
        record.loss(loss)
    record.steps(len(record.updates))
    record.fact(exit_codes=[worker.exitcode for worker in workers])
    record.end()
