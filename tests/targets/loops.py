"""Training loops of all kinds, one a name: `loops.py NAME`."""

import sys
import time
import warnings

import lazy_dynamo  # noqa: F401

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


def prepared():
    """Prepares its data for as long as most programs."""
    time.sleep(3.0)
    plain()


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
        print(float(optimizer.step(closure)))


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


def evaluating():
    """Steps are counted by their losses, which are printed; between them the model is called without gradients."""
    net = model()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    with torch.no_grad():
        for _ in range(20):
            net(inputs)
    for step in range(STEPS):
        optimizer.zero_grad()
        loss = loss_of(net)
        loss.backward()
        optimizer.step()
        print(loss.item())
        if step % 3 == 2:
            with torch.inference_mode():
                for _ in range(4):
                    net(inputs)


def distilled():
    student, teacher = model(), model()
    optimizer = torch.optim.SGD(student.parameters(), lr=0.1)
    for batch in DataLoader(torch.ones(4 * STEPS, 8), batch_size=4):
        answer = student(batch)
        with torch.no_grad():
            target = teacher(batch) + 1
        optimizer.zero_grad()
        loss = (answer - target).pow(2).mean()
        loss.backward()
        optimizer.step()
        print(loss.item())


def reinforce():
    """Rollouts without gradients, then updates in inner epochs."""
    policy = model()
    optimizer = torch.optim.SGD(policy.parameters(), lr=0.1)
    for _ in range(STEPS // 3):
        with torch.no_grad():
            for _ in range(10):
                policy(inputs)
        for _ in range(3):
            loss = loss_of(policy)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            print(loss.item())


def manual_reinforce():
    policy = model()
    for _ in range(STEPS):
        with torch.no_grad():
            for _ in range(10):
                policy(inputs)
        loss = loss_of(policy)
        loss.backward()
        update_by_hand(policy)
        print(loss.item())


class Adjoint(torch.autograd.Function):
    """Solves in its forward pass without gradients, and again with them in its backward pass."""

    @staticmethod
    def forward(ctx, field, state, *parameters):
        ctx.field = field
        ctx.save_for_backward(state, *parameters)
        for _ in range(5):
            state = state + 0.1 * field(state)
        return state

    @staticmethod
    def backward(ctx, gradient):
        state, *parameters = ctx.saved_tensors
        with torch.enable_grad():
            state = state.detach().requires_grad_()
            again = state
            for _ in range(5):
                again = again + 0.1 * ctx.field(again)
            found = torch.autograd.grad(again, [state, *parameters], gradient)
        return (None, *found)


def adjoint():
    field = nn.Linear(8, 8)
    optimizer = torch.optim.RMSprop(field.parameters(), lr=1e-3)
    for step in range(STEPS):
        optimizer.zero_grad()
        loss = Adjoint.apply(field, inputs, *field.parameters()).pow(2).mean()
        loss.backward()
        optimizer.step()
        print(loss.item())
        if step % 4 == 3:
            with torch.no_grad():
                field(inputs)


def reentrant():
    from torch.utils.checkpoint import checkpoint

    net = model()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = checkpoint(net, inputs.clone().requires_grad_(), use_reentrant=True).pow(2).mean()
        loss.backward()
        optimizer.step()
        print(loss.item())


def penalty():
    net = model()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    for _ in range(STEPS):
        point = inputs.clone().requires_grad_()
        (slope,) = torch.autograd.grad(net(point).sum(), point, create_graph=True)
        loss = loss_of(net) + slope.pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(loss.item())


def manual_penalty():
    net = model()
    for _ in range(STEPS):
        point = inputs.clone().requires_grad_()
        (slope,) = torch.autograd.grad(net(point).sum(), point, create_graph=True)
        loss = loss_of(net) + slope.pow(2).mean()
        loss.backward()
        update_by_hand(net)
        print(loss.item())


def functional():
    """The gradient is a function, and a new set of parameters comes out of every step."""
    net = model()
    weights = {name: parameter.detach() for name, parameter in net.named_parameters()}

    def loss(weights):
        return torch.func.functional_call(net, weights, (inputs,)).pow(2).mean()

    for _ in range(STEPS):
        gradients = torch.func.grad(loss)(weights)
        weights = {name: weight - 0.1 * gradients[name] for name, weight in weights.items()}


def forces():
    """A model whose forward pass differentiates, evaluated only."""

    class Field(nn.Module):
        def __init__(self):
            super().__init__()
            self.energy = model()

        def forward(self, point):
            point = point.clone().requires_grad_()
            return torch.autograd.grad(self.energy(point).sum(), point)[0]

    field = Field()
    for _ in range(STEPS):
        field(inputs)


def two_scalers():
    scalers = [torch.amp.GradScaler("cpu", init_scale=scale, growth_interval=3) for scale in (256.0, 65536.0)]
    nets = [model(), model()]
    optimizers = [torch.optim.SGD(net.parameters(), lr=0.1) for net in nets]
    for _ in range(STEPS):
        for scaler, net, optimizer in zip(scalers, nets, optimizers):
            optimizer.zero_grad()
            loss = loss_of(net)
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
            if net is nets[0]:
                print(loss.item())


def scaled_accumulation():
    net = model()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    scaler = torch.amp.GradScaler("cpu")
    for _ in range(STEPS):
        for _ in range(4):
            loss = loss_of(net)
            (scaler.scale(loss) / 4).backward()
        print(loss.item() / 4)
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad()


def backward_in_a_thread(net, pool):
    loss = loss_of(net)
    pool.submit(loss.backward).result()
    print(loss.item())


def helped():
    """Another thread makes the backward pass."""
    from concurrent.futures import ThreadPoolExecutor

    net = model()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    with ThreadPoolExecutor(1) as pool:
        for _ in range(STEPS):
            optimizer.zero_grad()
            backward_in_a_thread(net, pool)
            optimizer.step()


def manual_helped():
    from concurrent.futures import ThreadPoolExecutor

    net = model()
    with ThreadPoolExecutor(1) as pool:
        for _ in range(STEPS):
            backward_in_a_thread(net, pool)
            update_by_hand(net)


def manual_in_a_thread():
    """The main thread has called the model with gradients before, to no end."""
    import threading

    model()(inputs)
    thread = threading.Thread(target=manual_losses)
    thread.start()
    thread.join()


def manual_losses():
    net = model()
    for _ in range(STEPS):
        loss = loss_of(net)
        loss.backward()
        update_by_hand(net)
        print(loss.item())
    with torch.no_grad():
        for _ in range(7):
            net(inputs)


def manual_beside_an_optimizer():
    """An optimizer exists and is never used."""
    torch.optim.SGD(model().parameters(), lr=0.1)
    manual_losses()


def manual_before_an_optimizer():
    net = model()
    for _ in range(STEPS // 2):
        loss_of(net).backward()
        update_by_hand(net)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(STEPS // 2):
        optimizer.zero_grad()
        loss_of(net).backward()
        optimizer.step()


def bias_by_hand():
    """One parameter is updated by hand, the others by an optimizer."""
    net = model()
    optimizer = torch.optim.SGD(list(net.parameters())[:-1], lr=0.1)
    for _ in range(STEPS):
        loss_of(net).backward()
        optimizer.step()
        update_by_hand(net[2:])
        optimizer.zero_grad()


def long_accumulation():
    net = model()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(3):
        for _ in range(100):
            (loss_of(net) / 100).backward()
        optimizer.step()
        optimizer.zero_grad()


def long_closures():
    net = model()
    optimizer = torch.optim.LBFGS(net.parameters(), lr=0.01, max_iter=300, tolerance_grad=0, tolerance_change=0)

    def closure():
        optimizer.zero_grad()
        loss = loss_of(net)
        loss.backward()
        return loss

    for _ in range(3):
        optimizer.step(closure)


def second_optimizer():
    """Adam, then LBFGS from where it came to, as for networks that solve equations."""
    net = model()
    adam = torch.optim.Adam(net.parameters())
    lbfgs = torch.optim.LBFGS(net.parameters(), max_iter=3)

    def closure():
        net.zero_grad()
        loss = loss_of(net)
        loss.backward()
        return loss

    for optimizer in (adam, lbfgs):
        for _ in range(STEPS // 2):
            optimizer.step(closure)


def late_critic():
    generator, critic = model(), model()
    first = torch.optim.Adam(generator.parameters())
    for _ in range(STEPS // 2):
        loss_of(generator).backward()
        first.step()
    second = torch.optim.SGD(critic.parameters(), lr=0.1)
    for _ in range(STEPS // 2):
        loss_of(critic).backward()
        second.step()
        loss_of(generator).backward()
        first.step()


def manual_epochs():
    net = model()
    for _ in range(3):
        for batch in DataLoader(torch.ones(4 * STEPS // 3, 8), batch_size=4):
            net(batch).pow(2).mean().backward()
            update_by_hand(net)
        with torch.no_grad():
            for batch in DataLoader(torch.ones(20, 8), batch_size=4):
                net(batch)


def gradients_never_used():
    """A model in evaluation mode whose caller forgot to switch gradients off."""
    net = model().eval()
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
