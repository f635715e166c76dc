"""A model that changes its input in place, which the caller looks at; one input is passed again, another is a view."""

import torch
from record import Record
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 16, 3)
        self.memory = nn.Conv2d(16, 16, 1)
        self.head = nn.Linear(16, 5)

    def forward(self, x, memory):
        x.sub_(x.mean()).clamp_(-2, 2)
        hidden = torch.relu(self.conv(x))
        memory.mul_(0.5).add_(hidden.detach().mean(0))
        return self.head((hidden + self.memory(memory[None])).mean((2, 3)))


record = Record()
model = Net()
optimizer = torch.optim.RMSprop(model.parameters(), 1e-3)
record.watch(model=model, optimizer=optimizer)
memory, pool = torch.zeros(16, 8, 8), torch.randn(12, 3, 10, 10)
for update in record.updates:
    x = pool[update % 3 * 4 : update % 3 * 4 + 4]
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(x, memory), torch.randint(5, (4,)))
    loss.backward()
    optimizer.step()
    record.loss(loss)
record.fact(
    pool=float(pool.abs().max()), mean=float(pool.mean()), memory=float(memory.norm()), strides=str(memory.stride())
)
record.end()
