# rule: slow-recurrent, float64
"""An LSTM in double precision, for which torch has no fused code."""

import torch
from torch import nn

torch.manual_seed(0)


class Forecast(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(8, 64, num_layers=2, batch_first=True)
        self.head = nn.Linear(64, 1)

    def forward(self, series):
        return self.head(self.lstm(series)[0][:, -1])


model = Forecast().double()
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for _ in range(250):
    series = torch.randn(16, 60, 8, dtype=torch.float64)
    loss = nn.functional.mse_loss(model(series), series[:, -1, :1])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
