"""A small form of torchdiffeq's demo: a network is fitted to a spiral by integrating it; evaluated now and then.

The true path is integrated by a module without parameters before the training. Each forward pass calls the network many
times as a root module, each evaluation calls it without gradients.
"""

import torch
from record import Record
from torch import nn


class Lambda(nn.Module):
    def forward(self, t, y):
        return (y**3) @ torch.tensor([[-0.1, 2.0], [-2.0, -0.1]])


class ODEFunc(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, 50), nn.Tanh(), nn.Linear(50, 2))
        for layer in self.net[::2]:
            nn.init.normal_(layer.weight, std=0.1)
            nn.init.zeros_(layer.bias)

    def forward(self, t, y):
        return self.net(y**3)


def odeint(func, y, times):
    """Runge-Kutta of order 4 with fixed steps."""
    path = [y]
    for t, end in zip(times, times[1:], strict=False):
        h = end - t
        k1 = func(t, y)
        k2 = func(t + h / 2, y + h * k1 / 2)
        k3 = func(t + h / 2, y + h * k2 / 2)
        k4 = func(end, y + h * k3)
        y = y + h * (k1 + 2 * k2 + 2 * k3 + k4) / 6
        path.append(y)
    return torch.stack(path)


record = Record(updates=10)
times = torch.linspace(0.0, 2.5, 41)
with torch.no_grad():
    true_path = odeint(Lambda(), torch.tensor([[2.0, 0.0]]), times)
func = ODEFunc()
optimizer = torch.optim.RMSprop(func.parameters(), lr=1e-3)
record.watch(func=func, optimizer=optimizer)
for update in record.updates:
    starts = torch.randperm(34)[:20]
    target = torch.stack([true_path[starts + i] for i in range(6)])
    optimizer.zero_grad()
    loss = (odeint(func, true_path[starts], times[:6]) - target).abs().mean()
    loss.backward()
    optimizer.step()
    record.loss(loss)
    if update % 5 == 4:
        with torch.no_grad():
            whole = (odeint(func, true_path[0], times) - true_path).abs().mean()
        print(f"whole path: {float(whole):.3f}", flush=True)
record.end()
