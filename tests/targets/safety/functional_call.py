"""Meta-learning: the module holds no trained tensors; a dict of them, updated by hand, is put in place for each call."""

import torch
from record import Record
from torch import nn
from torch.func import functional_call, grad

record = Record()
model = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(128, 3))
slow = {name: parameter.detach().clone().requires_grad_() for name, parameter in model.named_parameters()}
extra = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
probe = torch.optim.SGD(model[4].parameters(), 0.05)
record.watch(model=model, probe=probe, **{f"slow {name}": tensor for name, tensor in slow.items()})


def loss_of(parameters, x, y):
    return nn.functional.cross_entropy(functional_call(model, parameters, (x,)), y)


outers = []
for _ in record.updates:
    x, y = torch.randn(12, 1, 10, 10), torch.randint(3, (12,))
    # Two inner steps that the outer gradient goes through.
    fast = slow
    for _ in range(2):
        inner = torch.autograd.grad(loss_of(fast, x[:6], y[:6]), list(fast.values()), create_graph=True)
        fast = {name: tensor - 0.1 * step for (name, tensor), step in zip(fast.items(), inner, strict=True)}
    outer = loss_of(fast, x[6:], y[6:])
    for tensor, step in zip(slow.values(), torch.autograd.grad(outer, list(slow.values())), strict=True):
        with torch.no_grad():
            tensor -= 0.1 * step
    # Pure functions of plain tensors.
    steps = grad(loss_of)(extra, x, y)
    extra = {name: tensor - 0.1 * steps[name] for name, tensor in extra.items()}
    # The module's own head, with an optimizer.
    probe.zero_grad()
    loss = nn.functional.cross_entropy(model(x), y)
    loss.backward()
    probe.step()
    record.loss(loss)  # that of the optimizer's step
    outers.append(float(outer))
record.fact(outers=outers, extra={name: float(tensor.norm()) for name, tensor in extra.items()})
record.end()
