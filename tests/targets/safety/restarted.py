"""The program saves everything on the way, makes model and optimizer anew, loads them and goes on."""

import io

import torch
from record import Record
from torch import nn


def make():
    model = nn.Sequential(
        nn.Conv2d(3, 16, 3, bias=False), nn.BatchNorm2d(16), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten()
    )
    model.append(nn.Linear(64, 5))
    optimizer = torch.optim.AdamW(
        [{"params": model[5].parameters(), "lr": 1e-2}, {"params": model[:2].parameters()}], 1e-3, amsgrad=True
    )
    return model, optimizer, torch.optim.lr_scheduler.StepLR(optimizer, 3, 0.5)


record = Record(updates=10)
model, optimizer, schedule = make()
record.watch(model=model, optimizer=optimizer, schedule=schedule)
for update in record.updates:
    if update == 5:
        stream = io.BytesIO()
        torch.save([model.state_dict(), optimizer.state_dict(), schedule.state_dict()], stream)
        groups = [{key: value for key, value in group.items() if key != "params"} for group in optimizer.param_groups]
        print(sorted(groups[0]), groups[0]["fused"], groups[0]["foreach"])
        stream.seek(0)
        states = torch.load(stream)
        model, optimizer, schedule = make()
        for thing, state in zip((model, optimizer, schedule), states, strict=True):
            thing.load_state_dict(state)
        record.watch(model=model, optimizer=optimizer, schedule=schedule)
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(torch.randn(8, 3, 12, 12)), torch.randint(5, (8,)))
    loss.backward()
    optimizer.step()
    schedule.step()
    record.loss(loss)
record.end()
