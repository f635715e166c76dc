"""Trainings to attach to: each says "ready" after its first step and goes on until a line comes on stdin.

`python attachable.py KIND`; at the end it prints "done".
"""

import itertools
import logging
import os
import select
import sys
import threading
import time

import lazy_dynamo  # noqa: F401
import torch
from loops import training_arguments
from torch import nn
from torch.optim import optimizer as updates


def asked_to_end():
    return bool(select.select([sys.stdin], [], [], 0)[0])


said = []


def goes_on():
    """Whether another step is to be made; after the first it says "ready"."""
    time.sleep(0.01)  # a real model's step: the machine belongs to others, too
    if not said:
        said.append("ready")
        print("ready", flush=True)
    return not asked_to_end()


def endless(step):
    step()
    while goes_on():
        step()


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


def resnet18():
    from torchvision.models import resnet18 as make

    net, inputs, labels = make(num_classes=10), torch.ones(8, 3, 32, 32), torch.zeros(8, dtype=torch.int64)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)

    def step():
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(inputs), labels).backward()
        optimizer.step()

    return step


def inductor():
    logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)  # a CUDA build says that there is no GPU
    return compiled("inductor")


def compiled(backend="aot_eager"):
    net, inputs = torch.compile(nn.Linear(8, 1), backend=backend), torch.ones(4, 8)
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


def forking():
    """Forks at every tenth step; what remains in a child of somebody's hooks is its exit code."""
    step, count = simple(), itertools.count(1)

    def forked():
        step()
        if next(count) % 10:
            return
        pid = os.fork()
        if pid == 0:
            os._exit(len(updates._global_optimizer_pre_hooks) + len(updates._global_optimizer_post_hooks))
        left = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if left:
            print(f"{left} hooks in a child", flush=True)

    return forked


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


def trainer():
    from transformers import PrinterCallback, Trainer, TrainerCallback

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(8, 1)

        def forward(self, x=None):
            return {"loss": self.linear(x).pow(2).mean()}

    class Until(TrainerCallback):
        def on_step_end(self, args, state, control, **others):
            control.should_training_stop = not goes_on()

    arguments = training_arguments(max_steps=100_000)
    data = [{"x": torch.ones(8)} for _ in range(4000)]
    hugging_face = Trainer(model=Net(), args=arguments, train_dataset=data, callbacks=[Until()])
    hugging_face.remove_callback(PrinterCallback)
    hugging_face.train()


def lightning():
    import warnings

    import lightning

    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")

    class Module(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(8, 1)

        def training_step(self, batch, index):
            return self.linear(batch).pow(2).mean()

        def configure_optimizers(self):
            return torch.optim.AdamW(self.parameters())

    class Until(lightning.Callback):
        def on_train_batch_end(self, trainer, *others):
            trainer.should_stop = not goes_on()

    fit = lightning.Trainer(
        max_steps=100_000,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[Until()],
    )
    fit.fit(Module(), torch.utils.data.DataLoader(torch.ones(4000, 8), batch_size=4))


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
    elif kind in ("trainer", "lightning"):
        globals()[kind]()
    else:
        endless(globals()[kind]())
    print("done", flush=True)
