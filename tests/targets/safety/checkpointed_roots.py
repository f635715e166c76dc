"""The program itself calls its parts through checkpoints, and the model twice before each backward pass."""

import torch
from record import Record
from torch import nn
from torch.utils.checkpoint import checkpoint

record = Record()
features = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.Dropout(0.2))
features[1].eval().requires_grad_(False)
head = nn.Sequential(nn.Flatten(), nn.Linear(16 * 64, 5))
optimizer = torch.optim.AdamW([*features[0].parameters(), *head.parameters()], 1e-3)
record.watch(features=features, head=head, optimizer=optimizer)
for _ in record.updates:
    one, other, targets = torch.randn(4, 3, 8, 8), torch.randn(4, 3, 8, 8), torch.randint(5, (4,))
    again = head(checkpoint(features, one, use_reentrant=False))
    loss = nn.functional.cross_entropy(again, targets) + nn.functional.cross_entropy(head(features(other)), targets)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    record.loss(loss)
record.end()
