"""Scaled gradients over two batches each, unscaled and clipped; an update with an infinite gradient is left out."""

import torch
from record import Record
from torch import nn
from torchvision.ops import sigmoid_focal_loss

record = Record(updates=16, resumed_updates=6)
model = nn.Sequential(
    nn.Conv2d(3, 16, 3, padding=1, bias=False),
    nn.BatchNorm2d(16).eval().requires_grad_(False),
    nn.ReLU(),
    nn.AdaptiveAvgPool2d(2),
    nn.Flatten(),
    nn.Linear(64, 5),
)
optimizer = torch.optim.AdamW([parameter for parameter in model.parameters() if parameter.requires_grad], 1e-2)
scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10, growth_interval=3)
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 8)
record.watch(model=model, optimizer=optimizer, scaler=scaler, schedule=schedule)
made = 0
for batch in record.updates:
    targets = nn.functional.one_hot(torch.randint(5, (4,)), 5).float()
    loss = sigmoid_focal_loss(model(torch.randn(4, 3, 12, 12)), targets, reduction="mean")
    scaler.scale(loss * (float("inf") if batch == 7 else 0.5)).backward()
    record.loss(loss)
    if batch % 2:
        if batch % 4 == 1:
            scaler.unscale_(optimizer)
            record.fact(**{f"norm {batch}": float(nn.utils.clip_grad_norm_(model.parameters(), 0.01))})
        scale = scaler.get_scale()
        scaler.step(optimizer)
        scaler.update()
        made += scaler.get_scale() >= scale  # else it has left the update out
        optimizer.zero_grad()
        schedule.step()
record.steps(made)
print("scale:", scaler.get_scale())
record.end()
