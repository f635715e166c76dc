"""Train a small classifier on images that take time to prepare."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Photos(Dataset):
    """Images that are drawn, rotated and normalized when they are asked for."""

    def __len__(self):
        return 4000

    def __getitem__(self, index):
        image = np.add.outer(np.arange(96.0), np.arange(96.0) * (1 + index % 10)) % 255
        for _ in range(8):
            image = np.rot90(np.fft.ifft2(np.fft.fft2(image)).real)
        image = (image - image.mean()) / image.std()
        return torch.from_numpy(np.ascontiguousarray(image, dtype=np.float32))[None], index % 10


def main():
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(4),
        nn.Flatten(),
        nn.Linear(512, 10),
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    criterion = nn.CrossEntropyLoss()
    for images, labels in DataLoader(Photos(), batch_size=16, shuffle=True):
        optimizer.zero_grad()
        criterion(model(images), labels).backward()
        optimizer.step()


if __name__ == "__main__":
    main()
