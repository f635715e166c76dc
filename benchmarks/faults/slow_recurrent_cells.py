# rule: slow-recurrent
"""A loop over nn.LSTMCell makes each time step in separate operators."""

import torch
from torch import nn

torch.manual_seed(0)


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = nn.LSTMCell(32, 128)
        self.head = nn.Linear(128, 10)

    def forward(self, sequences):
        state = None
        for inputs in sequences:
            state = self.cell(inputs, state)
        return self.head(state[0])


model = Encoder()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for _ in range(300):
    sequences, labels = torch.randn(100, 32, 32), torch.randint(0, 10, (32,))
    loss = nn.functional.cross_entropy(model(sequences), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
