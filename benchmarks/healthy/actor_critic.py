"""Reinforcement learning on one thread, which more threads would not speed up: the batches are small."""

import torch
from torch import nn

torch.manual_seed(0)
torch.set_num_threads(1)


def network(outputs):
    return nn.Sequential(
        nn.Linear(192, 192), nn.Tanh(), nn.Linear(192, 192), nn.Tanh(), nn.Linear(192, 192), nn.Tanh(),
        nn.Linear(192, outputs),
    )  # fmt: skip


actor, critic = network(192), network(1)
optimizer = torch.optim.Adam([*actor.parameters(), *critic.parameters()], lr=3e-4, fused=True)
dynamics = torch.randn(192, 192) / 14
state = torch.randn(160, 192)
for _ in range(600):
    states, actions = [], []
    with torch.no_grad():
        for _ in range(6):
            states.append(state)
            actions.append(actor(state))
            state = torch.tanh((state + actions[-1]) @ dynamics)
    optimizer.zero_grad()
    for seen, taken in zip(states, actions, strict=True):
        value, reward = critic(seen), -seen.pow(2).mean(1, keepdim=True)
        loss = (value - reward).pow(2).mean() + ((actor(seen) - taken).pow(2) * (reward - value.detach())).mean()
        loss.backward()
    optimizer.step()
