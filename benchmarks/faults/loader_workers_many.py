# rule: loader-workers
"""Twelve DataLoader workers with heavy samples share two cores with the training."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(0)


class Spectra(Dataset):
    def __len__(self):
        return 2000

    def __getitem__(self, index):
        signal = np.random.default_rng(index).standard_normal(16384)
        for _ in range(6):
            signal = np.abs(np.fft.ifft(np.fft.fft(signal)))
        return torch.from_numpy(signal[:1024].astype(np.float32)), index % 4


if __name__ == "__main__":
    model = nn.Sequential(nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, 4))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for signals, labels in DataLoader(Spectra(), batch_size=16, num_workers=12):
        loss = nn.functional.cross_entropy(model(signals), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
