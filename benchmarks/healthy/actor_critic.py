"""Reinforcement learning on one thread, which more threads would not speed up: the batches are small."""

import torch
from torch import nn

torch.manual_seed(0)
torch.set_num_threads(1)
actor = nn.Sequential(nn.Linear(128, 128), nn.Tanh(), nn.Linear(128, 128), nn.Tanh(), nn.Linear(128, 128))
critic = nn.Sequential(nn.Linear(128, 128), nn.Tanh(), nn.Linear(128, 128), nn.Tanh(), nn.Linear(128, 1))
optimizer = torch.optim.Adam([*actor.parameters(), *critic.parameters()], lr=3e-4, fused=True)
dynamics = torch.randn(128, 128) / 12
state = torch.randn(48, 128)
for _ in range(1200):
    states, actions = [], []
    with torch.no_grad():
        for _ in range(8):
            action = actor(state)
            states.append(state)
            actions.append(action)
            state = torch.tanh((state + action) @ dynamics)
    optimizer.zero_grad()
    for seen, taken in zip(states, actions, strict=True):
        value, reward = critic(seen)[:, 0], -seen.pow(2).mean(1)
        advantage = (reward - value).detach()
        loss = (value - reward).pow(2).mean() + ((actor(seen) - taken).pow(2).mean(1) * advantage).mean()
        loss.backward()
    optimizer.step()
