# rule: python-overhead
"""A metric is computed in pure Python in every step: edit distances of all predicted sequences."""

import torch
from torch import nn

torch.manual_seed(0)


def edit_distance(a, b):
    row = list(range(len(b) + 1))
    for i, left in enumerate(a, 1):
        previous, row[0] = row[0], i
        for j, right in enumerate(b, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (left != right))
    return row[-1]


model = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 32))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for _ in range(350):
    inputs, targets = torch.randn(16, 40, 64), torch.randint(0, 32, (16, 40))
    scores = model(inputs)
    loss = nn.functional.cross_entropy(scores.flatten(0, 1), targets.flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    predicted = scores.argmax(-1).tolist()
    errors = sum(edit_distance(a, b) for a, b in zip(predicted, targets.tolist(), strict=True))
