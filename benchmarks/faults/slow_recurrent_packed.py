# rule: slow-recurrent
"""Packed sequences of unequal length keep an LSTM from oneDNN's recurrent primitive."""

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

torch.manual_seed(0)


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(32, 96, batch_first=True, bidirectional=True)
        self.head = nn.Linear(192, 12)

    def forward(self, texts, lengths):
        packed = pack_padded_sequence(texts, lengths, batch_first=True, enforce_sorted=False)
        return self.head(self.lstm(packed)[0].data)


model = Tagger()
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for _ in range(250):
    texts, lengths = torch.randn(32, 80, 32), torch.randint(20, 81, (32,))
    loss = model(texts, lengths).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
