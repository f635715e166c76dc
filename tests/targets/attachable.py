"""Trainings to attach to: each says "ready" after its first step and goes on until a line comes on stdin.

`python attachable.py KIND`; at the end it prints "done".
"""

import select
import sys
import threading
import time

import torch
from torch import nn


def asked_to_end():
    return bool(select.select([sys.stdin], [], [], 0)[0])


def endless(step):
    said = False
    while not asked_to_end():
        step()
        time.sleep(0.01)  # a real model's step: the machine belongs to others, too
        if not said:
            said = True
            print("ready", flush=True)
    print("done", flush=True)


def simple():
    net, inputs = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 1)), torch.ones(4, 8)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)

    def step():
        optimizer.zero_grad()
        net(inputs).pow(2).mean().backward()
        optimizer.step()

    return step


def lbfgs():
    net, inputs = nn.Linear(8, 1), torch.ones(4, 8)
    optimizer = torch.optim.LBFGS(net.parameters(), max_iter=3)

    def closure():
        optimizer.zero_grad()
        loss = net(inputs).pow(2).mean()
        loss.backward()
        return loss

    return lambda: optimizer.step(closure)


def gan():
    maker, judge, noise = nn.Linear(4, 8), nn.Linear(8, 1), torch.ones(4, 4)
    optimizers = [torch.optim.Adam(net.parameters()) for net in (judge, maker)]

    def step():
        for optimizer in optimizers:
            optimizer.zero_grad()
            judge(maker(noise)).mean().backward()
            optimizer.step()

    return step


def compiled():
    net, inputs = torch.compile(nn.Linear(8, 1), backend="aot_eager"), torch.ones(4, 8)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)

    def step():
        optimizer.zero_grad()
        net(inputs).pow(2).mean().backward()
        optimizer.step()

    return step


def loader():
    net = nn.Linear(8, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    data = torch.utils.data.TensorDataset(torch.ones(100_000, 8))
    batches = iter(torch.utils.data.DataLoader(data, batch_size=4, num_workers=2))

    def step():
        (inputs,) = next(batches)
        optimizer.zero_grad()
        net(inputs).pow(2).mean().backward()
        optimizer.step()

    return step


def profiling():
    """Its own profiler is warming up: one that started in between would make it fail."""
    step = simple()
    profiler = torch.profiler.profile(
        activities=[torch.profiler.ProfilerActivity.CPU],
        schedule=torch.profiler.schedule(wait=0, warmup=200, active=2, repeat=1),
    )
    profiler.start()

    def profiled():
        step()
        profiler.step()

    return profiled


def traced():
    """A profile function of the program's own, as cProfile and coverage have one."""
    sys.setprofile(lambda frame, event, argument: None)
    return simple()


if __name__ == "__main__":
    torch.set_num_threads(1)
    kind = sys.argv[1]
    if kind == "worker_thread":
        trainer = threading.Thread(target=endless, args=(simple(),))
        trainer.start()
        trainer.join()
    elif kind == "asleep":
        print("ready", flush=True)
        sys.stdin.readline()
        print("done", flush=True)
    else:
        endless(globals()[kind]())
