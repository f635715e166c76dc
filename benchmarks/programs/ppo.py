"""Proximal policy optimization with two small perceptrons, several epochs of minibatches after each rollout."""

import torch
from torch import nn

torch.manual_seed(0)
STATE, ACTIONS, STEPS = 8, 4, 512


def network(outputs):
    return nn.Sequential(nn.Linear(STATE, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, outputs))


policy, value = network(ACTIONS), network(1)
parameters = [*policy.parameters(), *value.parameters()]
optimizer = torch.optim.Adam(parameters, lr=3e-4, eps=1e-5)
dynamics = torch.randn(STATE + ACTIONS, STATE) / 4
while True:
    with torch.no_grad():
        state, states, actions, chances, rewards = torch.zeros(STATE), [], [], [], []
        for _ in range(STEPS):
            choice = torch.distributions.Categorical(logits=policy(state))
            action = choice.sample()
            states.append(state)
            actions.append(action)
            chances.append(choice.log_prob(action))
            move = nn.functional.one_hot(action, ACTIONS).float()
            state = torch.tanh(torch.cat([state, move]) @ dynamics)
            rewards.append(-state.pow(2).sum())
        states, actions, chances = torch.stack(states), torch.stack(actions), torch.stack(chances)
        returns = torch.stack(rewards).flip(0).cumsum(0).flip(0)
        advantages = returns - value(states).squeeze(1)
        advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
    for _ in range(10):
        for batch in torch.randperm(STEPS).split(64):
            choice = torch.distributions.Categorical(logits=policy(states[batch]))
            ratio = (choice.log_prob(actions[batch]) - chances[batch]).exp()
            clipped = ratio.clamp(0.8, 1.2) * advantages[batch]
            loss = -torch.min(ratio * advantages[batch], clipped).mean() - 0.01 * choice.entropy().mean()
            loss = loss + 0.5 * (value(states[batch]).squeeze(1) - returns[batch]).pow(2).mean()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(parameters, 0.5)
            optimizer.step()
