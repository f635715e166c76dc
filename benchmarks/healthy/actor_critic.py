"""Reinforcement learning on one thread, as is usual for small networks: a rollout of many environments, an update."""

import torch
from torch import nn

torch.manual_seed(0)
torch.set_num_threads(1)
actor = nn.Sequential(nn.Linear(16, 256), nn.Tanh(), nn.Linear(256, 256), nn.Tanh(), nn.Linear(256, 4))
critic = nn.Sequential(nn.Linear(16, 256), nn.Tanh(), nn.Linear(256, 256), nn.Tanh(), nn.Linear(256, 1))
optimizer = torch.optim.Adam([*actor.parameters(), *critic.parameters()], lr=3e-4, fused=True)
dynamics = torch.randn(4, 16, 16) / 8
state = torch.randn(128, 16)
for _ in range(600):
    states, actions, rewards = [], [], []
    with torch.no_grad():
        for _ in range(8):
            action = torch.distributions.Categorical(logits=actor(state)).sample()
            states.append(state)
            actions.append(action)
            state = torch.tanh(torch.bmm(dynamics[action], state[:, :, None])[:, :, 0] + 0.1 * torch.randn(128, 16))
            rewards.append(-state.pow(2).mean(1))
    seen, taken, reward = torch.cat(states), torch.cat(actions), torch.cat(rewards)
    value = critic(seen)[:, 0]
    chosen = torch.distributions.Categorical(logits=actor(seen)).log_prob(taken)
    loss = (value - reward).pow(2).mean() - (chosen * (reward - value.detach())).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
