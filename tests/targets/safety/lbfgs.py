"""LBFGS flattens gradients with `.view(-1)`, and the program flattens parameters."""

import torch
from record import Record
from torch import nn

record = Record()
model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Tanh(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 5))
optimizer = torch.optim.LBFGS(model.parameters(), lr=0.2, max_iter=3)
record.watch(model=model, optimizer=optimizer)
x, y = torch.randn(16, 3, 16, 16), torch.randint(5, (16,))


def closure():
    optimizer.zero_grad()
    filters = model[0].weight.view(8, -1)
    loss = nn.functional.cross_entropy(model(x), y) + 1e-3 * (filters @ filters.T - torch.eye(8)).pow(2).sum()
    loss.backward()
    return loss


for _ in record.updates:
    record.loss(optimizer.step(closure))
vector = nn.utils.parameters_to_vector(model.parameters())
nn.utils.vector_to_parameters(vector * 0.999, model.parameters())
print("parameters:", vector.numel())
record.end()
