"""Trains until a line comes on stdin, then says whether torch's attributes are those from before."""

import sys
import threading

import lazy_dynamo  # noqa: F401
import torch
from attachable import endless, simple
from torch.optim import optimizer as updates


def picture():
    loader = torch.utils.data.dataloader
    places = [
        torch.nn.Module.__call__,
        torch.autograd.backward,
        torch.autograd.grad,
        loader.DataLoader.__iter__,
        loader._BaseDataLoaderIter.__next__,
        torch.autograd.profiler._prepare_profiler,
        torch.autograd.profiler._enable_profiler,
        torch.autograd.profiler._disable_profiler,
    ]
    hooks = [*updates._global_optimizer_pre_hooks, *updates._global_optimizer_post_hooks]
    return [id(place) for place in places], hooks, threading.active_count(), sorted(vars(sys.modules["__main__"]))


torch.set_num_threads(1)
step = simple()
before = None
before = picture()
endless.__globals__["print"] = lambda text, flush: print(text, flush=flush) if text == "ready" else None
endless(step)
print("same" if picture() == before else f"{before} {picture()}")
