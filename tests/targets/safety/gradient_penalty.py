"""WGAN-GP: the gradient of wide convolutions with regard to their input is part of the loss, so backward runs twice."""

import torch
from record import Record
from torch import nn

record = Record()
critic = nn.Sequential(
    nn.Conv2d(3, 128, 3, padding=1),
    nn.LeakyReLU(0.2),
    nn.Conv2d(128, 128, 3, padding=1),
    nn.LeakyReLU(0.2),
    nn.AdaptiveAvgPool2d(1),
    nn.Flatten(),
    nn.Linear(128, 1),
)
generator = nn.Sequential(nn.Linear(8, 3 * 24 * 24), nn.Tanh(), nn.Unflatten(1, (3, 24, 24)))
of_critic = torch.optim.Adam(critic.parameters(), 1e-3, betas=(0.0, 0.9))
of_generator = torch.optim.Adam(generator.parameters(), 1e-3, betas=(0.0, 0.9))
record.watch(critic=critic, generator=generator, of_critic=of_critic, of_generator=of_generator)
for update in record.updates:
    real, false = torch.rand(2, 3, 24, 24), generator(torch.randn(2, 8)).detach()
    mixed = torch.lerp(real, false, torch.rand(2, 1, 1, 1)).requires_grad_()
    (slope,) = torch.autograd.grad(critic(mixed).sum(), mixed, create_graph=True)
    loss = critic(false).mean() - critic(real).mean() + 10 * (slope.flatten(1).norm(dim=1) - 1).pow(2).mean()
    of_critic.zero_grad()
    loss.backward()
    of_critic.step()
    record.loss(loss)
    if update % 2:
        of_generator.zero_grad()
        (-critic(generator(torch.randn(2, 8))).mean()).backward()
        of_generator.step()
record.end()
