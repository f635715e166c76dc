"""Programs that end, print or fork in all kinds of ways, one a name: `guests.py NAME ARGS`."""

import os
import signal
import sys


def identity():
    from tiny import train

    train()
    print(sys.argv, sys.path[0] == os.path.dirname(os.path.abspath(__file__)), __name__, __file__, os.getcwd())
    print(sorted(key for key in globals() if key.startswith("__")), sys.modules["__main__"].__dict__ is globals())
    print(repr(sys.stdin.read()), sys.stdout.isatty())


def exception():
    from tiny import train

    train()

    def inner():
        raise ValueError("boom")

    inner()


def forward_exception():
    import torch
    from tiny import model

    model()(torch.ones(2, 5))


def backward_exception():
    import torch

    torch.ones(()).backward()


def loader_exception():
    from torch.utils.data import DataLoader

    for _ in DataLoader([1, 2, "three"], batch_size=3):
        pass


def exit_code():
    from tiny import train

    train()
    sys.exit(3)


def exit_message():
    from tiny import train

    train()
    sys.exit("a message")


def os_exit():
    from tiny import train

    train()
    os._exit(7)


def terminated():
    from tiny import train

    train()
    os.kill(os.getpid(), signal.SIGTERM)


def interrupted():
    import torch
    from tiny import model

    class Slow(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, gradient):
            os.kill(os.getpid(), signal.SIGINT)
            return gradient

    Slow.apply(model()(torch.ones(1, 8))).sum().backward()


def closes_descriptors():
    from tiny import train

    train()
    os.closerange(3, 256)
    with open(sys.argv[2], "w") as mine:
        train(200)
        mine.write("only mine\n")
    print("done")


def forks():
    import torch
    from tiny import train

    torch.set_num_threads(1)
    train()
    child = os.fork()
    if child == 0:
        train(5)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    train()


def forked_child_ends():
    """Through the interpreter's and C's own exit, where Kineto would wait for a thread that the child has not got."""
    from tiny import train

    train()
    child = os.fork()
    if child == 0:
        sys.exit(3)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    train()


def no_torch():
    print("nothing to see")


def threads_seen():
    import threading

    from tiny import train

    train()
    print(threading.active_count(), [thread.name for thread in threading.enumerate()])


def own_profiler():
    import torch
    from tiny import train
    from torch.profiler import ProfilerActivity, profile, schedule

    train(3)
    with profile(activities=[ProfilerActivity.CPU]) as mine:
        train(3)
    print(sum(event.count for event in mine.key_averages() if event.key == "aten::addmm"))
    found = []
    mine = profile(
        activities=[ProfilerActivity.CPU],
        schedule=schedule(wait=1, warmup=2, active=2, repeat=1),
        on_trace_ready=lambda done: found.append(
            sum(event.count for event in done.key_averages() if event.key == "aten::addmm")
        ),
    )
    with mine:
        for _ in range(8):
            train(1)
            mine.step()
    print(found)
    train(20)
    torch.ones(1)


def own_tracer():
    import cProfile

    from tiny import train

    mine = cProfile.Profile()
    mine.enable()
    train(40)
    mine.disable()
    print(sum(entry.callcount for entry in mine.getstats() if getattr(entry.code, "co_name", "") == "train"))


def warns():
    import warnings

    warnings.simplefilter("error")
    forks()


def hash_of_weights():
    import hashlib

    import torch
    from tiny import train

    torch.set_num_threads(1)
    digest = hashlib.sha256()
    for parameter in train(200).parameters():
        digest.update(parameter.detach().numpy().tobytes())
    print(digest.hexdigest())


if __name__ == "__main__":
    globals()[sys.argv[1]]()
