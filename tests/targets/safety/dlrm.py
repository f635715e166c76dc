"""A small DLRM on random clicks: sparse embedding bags, two perceptrons, products of all pairs of vectors, plain SGD."""

import torch
from record import Record
from torch import nn

ROWS, WIDTH, DENSE = (40, 30, 20), 8, 4


def perceptron(*sizes, last):
    layers = []
    for inputs, outputs in zip(sizes, sizes[1:], strict=False):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1], last)


class Dlrm(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb_l = nn.ModuleList(nn.EmbeddingBag(rows, WIDTH, mode="sum", sparse=True) for rows in ROWS)
        self.bot_l = perceptron(DENSE, 16, WIDTH, last=nn.ReLU())
        vectors = 1 + len(ROWS)
        self.top_l = perceptron(WIDTH + vectors * (vectors - 1) // 2, 16, 1, last=nn.Sigmoid())

    def forward(self, dense, offsets, indices):
        x = self.bot_l(dense)
        vectors = [x, *(bag(i, o) for bag, i, o in zip(self.emb_l, indices, offsets, strict=True))]
        stacked = torch.stack(vectors, 1)
        products = torch.bmm(stacked, stacked.transpose(1, 2))
        row, column = torch.tril_indices(len(vectors), len(vectors), offset=-1)
        return self.top_l(torch.cat([x, products[:, row, column]], 1))


def batch(size=32):
    indices, offsets = [], []
    for rows in ROWS:
        lengths = torch.randint(1, 4, (size,))
        offsets.append(torch.cat([torch.zeros(1, dtype=torch.long), lengths.cumsum(0)[:-1]]))
        indices.append(torch.randint(rows, (int(lengths.sum()),)))
    return torch.rand(size, DENSE), offsets, indices, torch.randint(2, (size, 1)).float()


record = Record(updates=24)
model = Dlrm()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
record.watch(model=model, optimizer=optimizer)
for _ in record.updates:
    dense, offsets, indices, clicks = batch()
    loss = nn.functional.binary_cross_entropy(model(dense, offsets, indices), clicks)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    record.loss(loss)
record.end()
