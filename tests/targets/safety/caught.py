"""The model raises for some batches, the first among them, and the program catches that and goes on."""

import traceback

import torch
from record import Record
from torch import nn

record = Record(updates=12)
model = nn.Sequential(
    nn.Dropout(0.1), nn.Conv2d(3, 12, 3, bias=False), nn.BatchNorm2d(12), nn.ReLU(), nn.AdaptiveAvgPool2d(1)
)
model.extend([nn.Flatten(), nn.Dropout(0.3), nn.Linear(12, 5)])
optimizer = torch.optim.NAdam(model.parameters(), 1e-2)
record.watch(model=model, optimizer=optimizer)
caught = 0
for batch in record.updates:
    channels = 4 if batch % 4 == 0 else 3
    optimizer.zero_grad()
    try:
        scores = model(torch.randn(8, channels, 10, 10))
    except RuntimeError as error:
        caught += 1
        print(str(error).splitlines()[0], flush=True)
        print([frame.name for frame in traceback.extract_tb(error.__traceback__) if "profilednn_tui" in frame.filename])
        continue
    loss = nn.functional.cross_entropy(scores, torch.randint(5, (8,)))
    loss.backward()
    optimizer.step()
    record.loss(loss)
record.fact(caught=caught, batches=int(model[2].num_batches_tracked), random=torch.rand(3).tolist())
record.end()
