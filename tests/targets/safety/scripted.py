"""On the way the model is scripted and traced for a validation, and exported; the training goes on with the module."""

import torch
from record import Record
from torch import nn

record = Record()
model = nn.Sequential(
    nn.Conv2d(3, 16, 3),
    nn.BatchNorm2d(16).eval().requires_grad_(False),
    nn.ReLU(),
    nn.AdaptiveAvgPool2d(2),
    nn.Flatten(),
)
model.append(nn.Linear(64, 5))
optimizer = torch.optim.SGD(
    [parameter for parameter in model.parameters() if parameter.requires_grad], 0.1, momentum=0.9
)
record.watch(model=model, optimizer=optimizer)
held_out = torch.randn(4, 3, 12, 12)
for update in record.updates:
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(torch.randn(8, 3, 12, 12)), torch.randint(5, (8,)))
    loss.backward()
    optimizer.step()
    record.loss(loss)
    if update in (2, 5):
        with torch.no_grad():
            found = [torch.jit.script(model)(held_out), torch.jit.trace(model, held_out)(held_out)]
            found.append(torch.export.export(model, (held_out,)).module()(held_out))
            print("as the module:", [torch.allclose(one, model(held_out), 1e-3, 1e-4) for one in found], flush=True)
record.end()
