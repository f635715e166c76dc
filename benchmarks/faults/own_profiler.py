# rule: own-profiler
"""torch.profiler was left on around the whole training."""

import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile, schedule

torch.manual_seed(0)
layers = []
for _ in range(12):
    layers += [nn.Linear(128, 128), nn.LayerNorm(128), nn.GELU()]
model = nn.Sequential(*layers)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
every_step = schedule(wait=0, warmup=0, active=20)
with profile(activities=[ProfilerActivity.CPU], schedule=every_step, with_stack=True, record_shapes=True) as profiler:
    for _ in range(300):
        loss = model(torch.randn(64, 128)).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        profiler.step()
