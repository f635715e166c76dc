"""Evaluation before the training and between its updates, the best state kept by reference; only the head is updated."""

import torch
from record import Record
from torch import nn
from torchvision.ops import sigmoid_focal_loss

record = Record(updates=12)
model = nn.Sequential(
    nn.Conv2d(3, 16, 3, padding=1),
    nn.BatchNorm2d(16),
    nn.ReLU(),
    nn.AdaptiveAvgPool2d(2),
    nn.Flatten(),
    nn.Linear(64, 5),
)
optimizer = torch.optim.SGD(model[5].parameters(), 0.1, momentum=0.9)
record.watch(model=model, optimizer=optimizer)
held_out = torch.randn(8, 3, 12, 12), nn.functional.one_hot(torch.randint(5, (8,)), 5).float()
live = model.state_dict()


def evaluate():
    model.eval()
    with torch.no_grad():
        found = sigmoid_focal_loss(model(held_out[0]), held_out[1], reduction="mean")
    model.train()
    return float(found)


found = [evaluate()]
for update in record.updates:
    optimizer.zero_grad()
    targets = nn.functional.one_hot(torch.randint(5, (8,)), 5).float()
    loss = sigmoid_focal_loss(model(torch.randn(8, 3, 12, 12)), targets, reduction="mean")
    loss.backward()
    optimizer.step()
    record.loss(loss)
    if update % 3 == 2:
        found.append(evaluate())
        print(f"held out: {found[-1]:.3f}", flush=True)
print("state follows:", all(torch.equal(live[name], tensor) for name, tensor in model.state_dict().items()))
print("trainable:", sum(parameter.requires_grad for parameter in model.parameters()))
record.fact(held_out=found)
record.end()
