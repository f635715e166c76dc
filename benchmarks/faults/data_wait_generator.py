# rule: data-wait
"""A generator of the program's own tokenizes text between steps; there is no DataLoader."""

import random

import torch
from torch import nn

torch.manual_seed(0)
VOCABULARY = {f"word{number}": number for number in range(5000)}
LINES = [" ".join(random.Random(line).choices(list(VOCABULARY), k=40)) for line in range(2000)]


def batches(count, size):
    for number in range(count):
        lines = [LINES[(number * size + offset) % len(LINES)] for offset in range(size)]
        tokens = [[VOCABULARY[word.lower().strip(".,;")] for word in line.split()] for line in lines]
        yield torch.tensor(tokens), torch.tensor([len(line) % 2 for line in lines])


model = nn.Sequential(nn.EmbeddingBag(5000, 64), nn.ReLU(), nn.Linear(64, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for tokens, labels in batches(1500, 512):
    loss = nn.functional.cross_entropy(model(tokens), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
