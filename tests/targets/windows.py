"""Trainings that are hard on operator windows, one a name: `windows.py NAME`."""

import os
import sys
import time
import traceback
import warnings

import torch
import torch._dynamo  # noqa: F401 - as other programs do: windows are affordable after some time
import torch.autograd.profiler as profiler
from tiny import model

inputs = torch.ones(4, 8)


def train(steps, seconds_of):
    net = model()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    for step in range(steps):
        optimizer.zero_grad()
        net(inputs).pow(2).mean().backward()
        time.sleep(seconds_of(step))
        optimizer.step()
    print(steps, "steps")


def fail(*arguments):
    raise RuntimeError("the program has broken it")


def start_fails():
    profiler.profile._start_trace = fail
    train(200, lambda step: 0.02)


def start_fails_late():
    """When the profiler is on already."""
    original = profiler.profile._start_trace

    def half(self):
        original(self)
        fail()

    profiler.profile._start_trace = half
    train(200, lambda step: 0.02)


def stop_fails():
    profiler._run_on_profiler_stop = fail
    train(200, lambda step: 0.02)


def fails_once():
    original = profiler.profile._start_trace

    def once(self):
        profiler.profile._start_trace = original
        fail()

    profiler.profile._start_trace = once
    train(60, lambda step: 0.02)


def grows():
    """As with longer and longer sequences."""
    train(160, lambda step: 0.01 if step < 80 else 0.03)


def varies():
    """Sequences of all lengths: no change of the pace."""
    train(120, lambda step: 0.004 + 0.02 * (step * 7 % 11) / 11)


def annotated():
    """Annotates steps, and every few of them together, all of which are open when a window ends.

    One is scripted, and one fails: the files in its traceback are printed.
    """

    def scripted(x: torch.Tensor):
        with torch.autograd.profiler.record_function("scripted"):
            return x + 1

    warnings.simplefilter("ignore")
    net = model()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    seen = set()
    for _ in range(20):
        with profiler.record_function("epoch"):
            for step in range(5):
                with profiler.record_function("step"):
                    optimizer.zero_grad()
                    net(inputs).pow(2).mean().backward()
                    if step == 2:
                        torch.jit.script(scripted)(inputs)
                    try:
                        with profiler.record_function(12):
                            pass
                    except RuntimeError as error:
                        seen |= {
                            os.path.basename(entry.filename) for entry in traceback.extract_tb(error.__traceback__)
                        }
                    optimizer.step()
                    time.sleep(0.01)
    print(profiler.record_function.__enter__.__code__.co_filename == profiler.__file__)
    print(sorted(seen))


if __name__ == "__main__":
    globals()[sys.argv[1]]()
