"""Some parameters are updated by hand beside an optimizer: each at once, one in its hook, one from the third update on."""

import torch
from record import Record
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 12, 3)
        self.hidden = nn.Linear(12, 12)
        self.shift = nn.Parameter(torch.zeros(12))
        self.head = nn.Linear(12, 5)

    def forward(self, x):
        return self.head(torch.tanh(self.hidden(torch.relu(self.conv(x)).mean((2, 3)))) + self.shift)


record = Record()
model = Net()
optimizer = torch.optim.Adam(model.head.parameters(), 1e-2)
record.watch(model=model, optimizer=optimizer)


def update_at_once(parameter):
    with torch.no_grad():
        parameter -= 0.05 * parameter.grad
    parameter.grad = None


for parameter in model.hidden.parameters():
    parameter.register_post_accumulate_grad_hook(update_at_once)
for update in record.updates:
    model.zero_grad()
    loss = nn.functional.cross_entropy(model(torch.randn(8, 3, 10, 10)), torch.randint(5, (8,)))
    loss.backward()
    optimizer.step()
    with torch.no_grad():
        model.shift -= 0.1 * model.shift.grad
        if update >= 2:
            for parameter in model.conv.parameters():
                parameter.data.add_(parameter.grad, alpha=-0.05)
    record.loss(loss)
record.end()
