"""Train ResNet-18 on random images of CIFAR's size, with one colour per class."""

from __future__ import annotations

import argparse

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision.models import resnet18


class ColouredNoise(Dataset):
    """Noise tinted by its class, generated on demand."""

    def __init__(self, length: int, size: int, classes: int) -> None:
        self.length = length
        self.size = size
        self.classes = classes
        self.tints = torch.rand(classes, 3, 1, 1, generator=torch.Generator().manual_seed(0))

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        label = index % self.classes
        noise = torch.rand(3, self.size, self.size, generator=torch.Generator().manual_seed(index))
        return noise + self.tints[label], label


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--image-size", type=int, default=32)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--workers", type=int, default=0, help="DataLoader worker processes")
    parser.add_argument("--lr", type=float, default=0.05)
    options = parser.parse_args()

    torch.manual_seed(0)
    model = resnet18(num_classes=options.classes)
    optimizer = torch.optim.SGD(model.parameters(), lr=options.lr, momentum=0.9, weight_decay=5e-4)
    criterion = nn.CrossEntropyLoss()
    images = ColouredNoise(options.steps * options.batch_size, options.image_size, options.classes)
    loader = DataLoader(images, batch_size=options.batch_size, shuffle=True, num_workers=options.workers)

    model.train()
    for step, (inputs, labels) in enumerate(loader, start=1):
        optimizer.zero_grad()
        loss = criterion(model(inputs), labels)
        loss.backward()
        optimizer.step()
        if step % 10 == 0 or step == options.steps:
            print(f"step {step}  loss {loss.item():.4f}", flush=True)


if __name__ == "__main__":
    main()
