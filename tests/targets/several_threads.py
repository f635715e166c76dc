"""Trainings on several threads: `several_threads.py KIND`."""

import hashlib
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import lazy_dynamo  # noqa: F401
import torch
from torch import nn

torch.set_num_threads(1)


class Training:
    """A model with its optimizer."""

    def __init__(self, width):
        self.net = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 1))
        self.optimizer = torch.optim.SGD(self.net.parameters(), lr=0.01)
        self.inputs = torch.ones(4, width)

    def step(self):
        self.optimizer.zero_grad()
        self.net(self.inputs).pow(2).mean().backward()
        self.optimizer.step()

    def run(self, steps):
        for _ in range(steps):
            self.step()

    def digest(self):
        values = b"".join(parameter.detach().numpy().tobytes() for parameter in self.net.parameters())
        return hashlib.sha256(values).hexdigest()[:16]


def together():
    """Two trainings at the same time, each on a thread of its own."""
    torch.manual_seed(0)
    trainings = [Training(8), Training(12)]
    threads = [threading.Thread(target=training.run, args=(3000,)) for training in trainings]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(*(training.digest() for training in trainings))


def one_after_the_other():
    """A training on the main thread, then another on a thread of its own."""
    torch.manual_seed(0)
    first, second = Training(8), Training(12)
    first.run(400)
    thread = threading.Thread(target=second.run, args=(12000,))
    thread.start()
    thread.join()
    print(first.digest(), second.digest())


def moving():
    """One training whose steps run on the threads of a pool, in turn."""
    torch.manual_seed(0)
    training = Training(8)
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other:
        for step in range(400):
            (one, other)[step % 2].submit(training.step).result()
    print(training.digest())


def profiled_beside():
    """A training on the main thread, and another thread that profiles work of its own again and again."""
    torch.manual_seed(0)
    training, counts = Training(256), []

    def profile():
        for _ in range(20):
            with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profiler:
                for _ in range(3):
                    torch.ones(8).add(1)
            counts.append(sum(one.count for one in profiler.key_averages() if one.key == "aten::add"))

    thread = threading.Thread(target=profile)
    training.run(20)
    thread.start()
    training.run(3000)
    thread.join()
    training.run(200)
    print(training.digest(), counts)


if __name__ == "__main__":
    globals()[sys.argv[1]]()
