"""A dense autoencoder for spectra."""

import torch
from torch import nn

torch.manual_seed(0)
encoder = nn.Sequential(nn.Linear(1024, 1024), nn.GELU(), nn.Linear(1024, 64))
decoder = nn.Sequential(nn.Linear(64, 1024), nn.GELU(), nn.Linear(1024, 1024))
model = nn.Sequential(encoder, decoder)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
spectra = torch.rand(8192, 1024)
for step in range(400):
    batch = spectra[step * 384 % 7680 :][:384]
    loss = nn.functional.mse_loss(model(batch), batch)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
