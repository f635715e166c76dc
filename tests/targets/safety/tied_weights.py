"""One weight in several places: embedding and output of a language model, a convolution and its transpose, two layers."""

import torch
from record import Record
from torch import nn


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.Conv2d(4, 12, 3, padding=1)
        self.again = nn.Conv2d(4, 12, 3, padding=1)
        self.again.weight = self.down.weight
        self.embedding = nn.Embedding(40, 16)
        self.output = nn.Linear(16, 40, bias=False)
        self.output.weight = self.embedding.weight

    def forward(self, images, words):
        hidden = torch.relu(self.down(images)) + torch.tanh(self.again(images.flip(0)))
        back = nn.functional.conv_transpose2d(hidden, self.down.weight, padding=1)
        return back, self.output(torch.tanh(self.embedding(words)))


record = Record()
model = Tied()
optimizer = torch.optim.Adam(model.parameters(), 1e-2)
record.watch(model=model, optimizer=optimizer)
for _ in record.updates:
    images, words = torch.randn(4, 4, 10, 10), torch.randint(40, (4, 9))
    optimizer.zero_grad()
    back, logits = model(images, words[:, :-1])
    loss = (back - images).pow(2).mean() + nn.functional.cross_entropy(logits.flatten(0, 1), words[:, 1:].flatten())
    loss.backward()
    optimizer.step()
    record.loss(loss)
print("tied:", model.down.weight is model.again.weight, model.output.weight is model.embedding.weight)
record.end()
