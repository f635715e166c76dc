"""All parameters and gradients are views of two flat tensors; the optimizer updates the flat one (ZeRO, DeepSpeed)."""

import torch
from record import Record
from torch import nn

record = Record()
model = nn.Sequential(
    nn.Conv2d(3, 16, 3, padding=1),
    nn.ReLU(),
    nn.Conv2d(16, 16, 3),
    nn.AdaptiveAvgPool2d(1),
    nn.Flatten(),
    nn.Linear(16, 5),
)
flat = nn.Parameter(nn.utils.parameters_to_vector(model.parameters()).detach())
flat.grad = torch.zeros_like(flat)
begin = 0
for parameter in model.parameters():
    end = begin + parameter.numel()
    parameter.data = flat.data[begin:end].view_as(parameter)
    parameter.grad = flat.grad[begin:end].view_as(parameter)
    begin = end
optimizer = torch.optim.AdamW([flat], 1e-2)
record.watch(model=model, optimizer=optimizer, flat=flat)
for _ in record.updates:
    flat.grad.zero_()
    loss = nn.functional.cross_entropy(model(torch.randn(8, 3, 12, 12)), torch.randint(5, (8,)))
    loss.backward()
    optimizer.step()
    record.loss(loss)
first = next(model.parameters())
print("still views:", first.data_ptr() == flat.data_ptr(), first.grad.data_ptr() == flat.grad.data_ptr())
record.end()
