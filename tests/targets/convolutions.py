"""Trains two convolutions for eight steps; the argument names what else happens meanwhile."""

import ctypes
import os
import sys
import threading

import torch

HABIT = sys.argv[1] if len(sys.argv) > 1 else "quiet"

model = torch.nn.Sequential(
    torch.nn.Conv2d(3, 16, 3), torch.nn.BatchNorm2d(16), torch.nn.ReLU(), torch.nn.Conv2d(16, 16, 3)
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
libc = ctypes.CDLL(None)


def fork_a_printer(step):
    child = os.fork()
    if child == 0:
        libc.printf(b"child of step %d\n", step)
        libc.fflush(None)
        os._exit(0)
    os.waitpid(child, 0)


def fork_in_a_thread(step):
    thread = threading.Thread(target=fork_a_printer, args=(step,))
    thread.start()
    thread.join()


def print_from_a_thread(step):
    thread = threading.Thread(target=lambda: [print(f"thread {step} {line}", flush=True) for line in range(50)])
    thread.start()
    thread.join()


def print_from_c(step):
    print(f"python {step}", flush=True)
    libc.printf(b"c %d\n", step)
    os.system("echo shell")


def first_print_late(step):
    if step == 2:
        libc.printf(b"first and only\n")


HABITS = {
    "fork": fork_a_printer,
    "fork_in_a_thread": fork_in_a_thread,
    "thread": print_from_a_thread,
    "c": print_from_c,
    "c_once": first_print_late,
    "shell": lambda step: os.system("echo shell; env | grep ONEDNN"),
}

for step in range(8):
    optimizer.zero_grad()
    if HABIT == "own_reports" and step == 2:
        with torch.backends.mkldnn.verbose(torch.backends.mkldnn.VERBOSE_ON):
            loss = model(torch.ones(4, 3, 32, 32)).square().mean()
    else:
        loss = model(torch.ones(4, 3, 32, 32)).square().mean()
    loss.backward()
    HABITS.get(HABIT, lambda step: None)(step)
    optimizer.step()
    print("step", step, flush=True)
