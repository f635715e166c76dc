"""Trains one of four small models for two steps: with ONEDNN_VERBOSE set, its output is a log for the tests.

    ONEDNN_VERBOSE=1 python primitives.py resnet18 | gzip -9n > resnet18-torch-2.14.log.gz

More steps and the word ``full`` train it at a size where times mean something.

ResNet-18 and RetinaNet are torchvision's; where it cannot be imported (the 2.13 fixtures), the plain networks below
of the same layers stand in.
"""

from __future__ import annotations

import sys

import torch
from torch import nn

STEPS = int(sys.argv[2]) if len(sys.argv) > 2 else 2
FULL = "full" in sys.argv
SIZE = 320 if FULL else 128

try:
    import torchvision
except (ImportError, RuntimeError):
    torchvision = None


class Block(nn.Module):
    """ResNet's basic block."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.skip = (
            nn.Identity()
            if stride == 1 and inputs == outputs
            else nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.body(x) + self.skip(x))


def plain_resnet18() -> nn.Sequential:
    """ResNet-18 without torchvision."""
    widths = (64, 64, 128, 256, 512)
    stages = [
        nn.Sequential(Block(before, width, 1 if before == width else 2), Block(width, width, 1))
        for before, width in zip(widths, widths[1:])
    ]
    stem = nn.Sequential(nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
    return nn.Sequential(stem, *stages, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 1000))


class PlainRetinaNet(nn.Module):
    """Backbone, feature pyramid and the two heads; the loss is a stand-in for the focal loss."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, *self.stages = plain_resnet18()[:5]
        self.stages = nn.ModuleList(self.stages)
        self.inner = nn.ModuleList(nn.Conv2d(width, 256, 1) for width in (128, 256, 512))
        self.heads = nn.ModuleList(
            nn.Sequential(
                *(layer for _ in range(4) for layer in (nn.Conv2d(256, 256, 3, 1, 1), nn.ReLU())),
                nn.Conv2d(256, 9 * outputs, 3, 1, 1),
            )
            for outputs in (91, 4)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        levels = []
        for stage in self.stages:
            x = stage(x)
            levels.append(x)
        pyramid = [inner(level) for inner, level in zip(self.inner, levels[1:])]
        return sum(head(level).sigmoid().mean() for head in self.heads for level in pyramid)


def resnet18():
    model = torchvision.models.resnet18() if torchvision else plain_resnet18()
    x, y = (
        (torch.randn(16, 3, 224, 224), torch.randint(1000, (16,)))
        if FULL
        else (torch.randn(2, 3, 64, 64), torch.randint(1000, (2,)))
    )
    return model, lambda: nn.functional.cross_entropy(model(x), y)


def lstm():
    inputs, hidden, steps, batch = (256, 512, 64, 32) if FULL else (64, 128, 16, 8)
    model = nn.LSTM(inputs, hidden, 2)
    x = torch.randn(steps, batch, inputs)
    return model, lambda: model(x)[0].square().mean()


def transformer():
    model = nn.Transformer(*((512, 8, 3, 3, 2048) if FULL else (64, 4, 2, 2, 128)), batch_first=True)
    x = torch.randn(8, 64, 512) if FULL else torch.randn(4, 16, 64)

    def loss():
        # float32 matrix products go to MKL, those of bfloat16 to oneDNN
        with torch.autocast("cpu", torch.bfloat16):
            return model(x, x).float().square().mean()

    return model, loss


def retinanet():
    if torchvision is None:
        model = PlainRetinaNet()
        x = torch.randn(1, 3, 128, 128)
        return model, lambda: model(x)
    model = torchvision.models.detection.retinanet_resnet50_fpn(
        weights=None, weights_backbone=None, min_size=SIZE, max_size=SIZE
    )
    images = [torch.rand(3, SIZE, SIZE)]
    targets = [{"boxes": torch.tensor([[10.0, 20.0, 70.0, 90.0]]), "labels": torch.tensor([3])}]
    return model, lambda: sum(model(images, targets).values())


def main() -> None:
    torch.manual_seed(0)
    model, loss = {"resnet18": resnet18, "lstm": lstm, "transformer": transformer, "retinanet": retinanet}[
        sys.argv[1]
    ]()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()


main()
