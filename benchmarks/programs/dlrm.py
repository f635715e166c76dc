"""A recommendation model of DLRM's shape: embedding tables, two perceptrons and their dot products; random clicks."""

import torch
from torch import nn

torch.manual_seed(0)
TABLES, ROWS, WIDTH, DENSE = 8, 50_000, 32, 13


class Recommender(nn.Module):
    """Predicts a click from numbers and categories."""

    def __init__(self):
        super().__init__()
        self.tables = nn.ModuleList(nn.EmbeddingBag(ROWS, WIDTH, mode="sum") for _ in range(TABLES))
        self.bottom = nn.Sequential(nn.Linear(DENSE, 256), nn.ReLU(), nn.Linear(256, WIDTH), nn.ReLU())
        pairs = TABLES * (TABLES + 1) // 2
        self.top = nn.Sequential(nn.Linear(WIDTH + pairs, 256), nn.ReLU(), nn.Linear(256, 1))
        self.register_buffer("below", torch.tril_indices(TABLES + 1, TABLES + 1, -1))

    def forward(self, numbers, categories):
        dense = self.bottom(numbers)
        rows = [dense, *(table(one) for table, one in zip(self.tables, categories, strict=True))]
        stacked = torch.stack(rows, 1)
        products = (stacked @ stacked.transpose(1, 2))[:, self.below[0], self.below[1]]
        return self.top(torch.cat([dense, products], 1)).squeeze(1)


model = Recommender()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
while True:
    numbers, categories = torch.rand(512, DENSE), torch.randint(ROWS, (TABLES, 512, 4))
    clicks = torch.randint(2, (512,)).float()
    loss = nn.functional.binary_cross_entropy_with_logits(model(numbers, categories), clicks)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
