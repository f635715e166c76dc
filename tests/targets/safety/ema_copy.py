"""An average of the parameters in a copy, and the same parameters under other names: made before the first update."""

import copy

import torch
from record import Record
from torch import nn
from torchvision.ops import sigmoid_focal_loss

record = Record()
model = nn.Sequential(
    nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 8, 3), nn.Flatten(), nn.Linear(8 * 100, 5)
)
average = copy.deepcopy(model).requires_grad_(False)
same = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 8, 3))
for theirs, ours in zip(same.parameters(), model.parameters(), strict=False):
    theirs.data = ours.data
views = [parameter.detach() for parameter in model.parameters()]
optimizer = torch.optim.AdamW(model.parameters(), 1e-3)
record.watch(model=model, average=average, same=same, optimizer=optimizer)
for _ in record.updates:
    images, targets = torch.randn(4, 3, 12, 12), nn.functional.one_hot(torch.randint(5, (4,)), 5).float()
    optimizer.zero_grad()
    loss = sigmoid_focal_loss(model(images), targets, reduction="mean")
    loss.backward()
    optimizer.step()
    with torch.no_grad():
        for theirs, ours in zip(average.parameters(), model.parameters(), strict=True):
            theirs.lerp_(ours, 0.2)
        teacher = average(images)
        alias = same(images).mean()
    record.loss(loss)
    record.fact(
        **{f"teacher {len(record._losses)}": float(teacher.mean()), f"alias {len(record._losses)}": float(alias)}
    )
print("views follow:", all(torch.equal(view, ours) for view, ours in zip(views, model.parameters(), strict=True)))
record.end()
