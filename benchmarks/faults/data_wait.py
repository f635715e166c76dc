# rule: data-wait
"""The training thread decodes and augments every image itself, in Python."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(0)


class Images(Dataset):
    def __len__(self):
        return 256

    def __getitem__(self, index):
        image = np.random.default_rng(index).random((3, 96, 96), dtype=np.float32)
        for _ in range(8):
            image = (image[:, :, ::-1] - image.mean()) / image.std()
        return torch.from_numpy(image.copy()), index % 10


model = nn.Sequential(
    nn.Conv2d(3, 16, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(256, 10)
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
loader = DataLoader(Images(), batch_size=16, shuffle=True)
for _ in range(20):
    for images, labels in loader:
        loss = nn.functional.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
