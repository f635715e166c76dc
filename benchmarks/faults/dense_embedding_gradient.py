# rule: dense-embedding-gradient
"""A batch uses a few thousand rows of a large table, but the gradient and the update have all of them."""

import torch
from torch import nn

torch.manual_seed(0)
table = nn.Embedding(500_000, 32)
head = nn.Linear(32, 1)
optimizer = torch.optim.SGD([*table.parameters(), *head.parameters()], lr=0.01)
for _ in range(250):
    rows = torch.randint(0, 500_000, (128, 20))
    loss = head(table(rows).mean(1)).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
