"""A recommender: an embedding bag with sparse gradients, and a dense tower."""

import torch
from torch import nn

torch.manual_seed(0)
table = nn.EmbeddingBag(200_000, 64, mode="sum", sparse=True)
tower = nn.Sequential(nn.Linear(64, 1024), nn.ReLU(), nn.Linear(1024, 512), nn.ReLU(), nn.Linear(512, 1))
sparse = torch.optim.SparseAdam(table.parameters(), lr=1e-3)
dense = torch.optim.AdamW(tower.parameters(), lr=1e-3, fused=True)
for _ in range(400):
    items, clicks = torch.randint(0, 200_000, (1024, 8)), torch.rand(1024, 1).round()
    loss = nn.functional.binary_cross_entropy_with_logits(tower(table(items)), clicks)
    sparse.zero_grad()
    dense.zero_grad()
    loss.backward()
    sparse.step()
    dense.step()
