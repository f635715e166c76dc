"""Training loops of all kinds, one a name: `loops.py NAME`."""

import sys
import warnings

warnings.filterwarnings("ignore")

import torch
from tiny import model
from torch import nn
from torch.utils.data import DataLoader

STEPS = 12
inputs = torch.ones(4, 8)


def loss_of(net):
    return net(inputs).pow(2).mean()


def plain():
    net = model()
    optimizer = torch.optim.AdamW(net.parameters())
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss_of(net).backward()
        optimizer.step()


def criterion():
    net, compute_loss = model(), nn.MSELoss()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(STEPS):
        optimizer.zero_grad()
        compute_loss(net(inputs), torch.zeros(4, 1)).backward()
        optimizer.step()


def accumulate():
    net = model()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(STEPS):
        for _ in range(4):
            (loss_of(net) / 4).backward()
        optimizer.step()
        optimizer.zero_grad()


def gan():
    generator, critic = model(), model()
    first = torch.optim.Adam(generator.parameters())
    second = torch.optim.SGD(critic.parameters(), lr=0.1)
    for _ in range(STEPS):
        loss_of(generator).backward()
        first.step()
        loss_of(critic).backward()
        second.step()


def switched_optimizer():
    net = model()
    for _ in range(2):
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        for _ in range(STEPS // 2):
            optimizer.zero_grad()
            loss_of(net).backward()
            optimizer.step()


def lbfgs():
    net = model()
    optimizer = torch.optim.LBFGS(net.parameters(), max_iter=3)

    def closure():
        optimizer.zero_grad()
        loss = loss_of(net)
        loss.backward()
        return loss

    for _ in range(STEPS):
        optimizer.step(closure)


def scaler():
    net = model()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    scale = torch.amp.GradScaler("cpu")
    for _ in range(STEPS):
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            loss = loss_of(net)
        scale.scale(loss).backward()
        scale.step(optimizer)
        scale.update()


def compiled():
    net = model()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    fast = torch.compile(net, backend="aot_eager")
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss_of(fast).backward()
        optimizer.step()


def compiled_step():
    net = model()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)

    @torch.compile(backend="aot_eager")
    def step():
        optimizer.zero_grad()
        loss_of(net).backward()
        optimizer.step()

    for _ in range(STEPS):
        step()


def prebound():
    net = model()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    step = optimizer.step
    for _ in range(STEPS):
        loss_of(net).backward()
        step()


def per_parameter():
    from torch.distributed.optim import _apply_optimizer_in_backward

    net = model()
    _apply_optimizer_in_backward(torch.optim.SGD, net.parameters(), {"lr": 0.1})
    for _ in range(STEPS):
        loss_of(net).backward()


def update_by_hand(net):
    with torch.no_grad():
        for parameter in net.parameters():
            parameter -= 0.1 * parameter.grad
            parameter.grad = None


def manual():
    net = model()
    for _ in range(STEPS):
        loss_of(net).backward()
        update_by_hand(net)


def manual_with_loader():
    net = model()
    for batch in DataLoader(torch.ones(4 * STEPS, 8), batch_size=4):
        net(batch).pow(2).mean().backward()
        update_by_hand(net)


def autograd_grad():
    net = model()
    for _ in range(STEPS):
        gradients = torch.autograd.grad(loss_of(net), list(net.parameters()))
        with torch.no_grad():
            for parameter, gradient in zip(net.parameters(), gradients):
                parameter -= 0.1 * gradient


def inference():
    net = model()
    with torch.no_grad():
        for _ in range(STEPS):
            net(inputs)


def loader():
    net = model()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for batch in DataLoader(torch.ones(4 * STEPS, 8), batch_size=4, num_workers=2):
        optimizer.zero_grad()
        net(batch).pow(2).mean().backward()
        optimizer.step()


def worker_thread():
    import threading

    thread = threading.Thread(target=plain)
    thread.start()
    thread.join()


def evaluates_first():
    net = model()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    data = DataLoader(torch.ones(80, 8), batch_size=4)
    with torch.no_grad():
        for batch in data:
            net(batch)
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss_of(net).backward()
        optimizer.step()


def accelerate():
    from accelerate import Accelerator

    accelerator = Accelerator(cpu=True, gradient_accumulation_steps=2)
    net = model()
    optimizer = torch.optim.AdamW(net.parameters())
    net, optimizer = accelerator.prepare(net, optimizer)
    for _ in range(STEPS * 2):
        with accelerator.accumulate(net):
            accelerator.backward(loss_of(net))
            optimizer.step()
            optimizer.zero_grad()


def lightning():
    import logging

    import lightning

    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

    class Module(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.net = model()

        def training_step(self, batch, index):
            return self.net(batch).pow(2).mean()

        def validation_step(self, batch, index):
            return self.net(batch).pow(2).mean()

        def configure_optimizers(self):
            return torch.optim.AdamW(self.parameters())

    trainer = lightning.Trainer(
        max_steps=STEPS,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    data = DataLoader(torch.ones(400, 8), batch_size=4)
    trainer.fit(Module(), data, DataLoader(torch.ones(8, 8), batch_size=4))


def training_arguments(**more):
    """Of a Trainer that trains and nothing else."""
    from transformers import TrainingArguments

    return TrainingArguments(
        output_dir="out",
        per_device_train_batch_size=4,
        report_to=[],
        use_cpu=True,
        save_strategy="no",
        logging_strategy="no",
        disable_tqdm=True,
        remove_unused_columns=False,
        **more,
    )


def trainer():
    from transformers import Trainer

    class Module(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = model()

        def forward(self, x=None):
            return {"loss": self.net(x).pow(2).mean()}

    arguments = training_arguments(max_steps=STEPS, gradient_accumulation_steps=2)
    Trainer(model=Module(), args=arguments, train_dataset=[{"x": torch.ones(8)} for _ in range(400)]).train()


if __name__ == "__main__":
    globals()[sys.argv[1]]()
