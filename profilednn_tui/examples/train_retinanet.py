"""Train RetinaNet with a ResNeXt50-32x4d FPN backbone on images that this script draws.

The images, coloured shapes with bounding boxes, are stored as PNG files in a temporary folder and decoded by a
DataLoader, so that the input pipeline does the work of a real one. Nothing is downloaded.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import torch
from torch.utils.data import DataLoader, Dataset
from torchvision.io import read_image, write_png
from torchvision.models.detection import RetinaNet
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
from torchvision.ops import FrozenBatchNorm2d
from torchvision.ops.feature_pyramid_network import LastLevelP6P7

SHAPES_PER_IMAGE = 4


def draw(size: int, classes: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """An image of noise with some shapes, their boxes (x1, y1, x2, y2) and labels (0 is the background)."""

    def random_int(low: int, high: int) -> int:
        return int(torch.randint(low, high, (), generator=generator))

    image = torch.randint(0, 80, (3, size, size), dtype=torch.uint8, generator=generator)
    rows, columns = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    boxes, labels = [], []
    for _ in range(SHAPES_PER_IMAGE):
        label = random_int(1, classes)
        width, height = random_int(size // 8, size // 2), random_int(size // 8, size // 2)
        left, top = random_int(0, size - width), random_int(0, size - height)
        if label % 2:
            inside = (columns >= left) & (columns < left + width) & (rows >= top) & (rows < top + height)
        else:
            across = (columns - left - width / 2) / (width / 2)
            down = (rows - top - height / 2) / (height / 2)
            inside = across**2 + down**2 <= 1
        colour = torch.tensor([label * 67 % 256, label * 131 % 256, 255 - label * 29 % 256], dtype=torch.uint8)
        image = torch.where(inside, colour[:, None, None], image)
        boxes.append([left, top, left + width, top + height])
        labels.append(label)
    return image, torch.tensor(boxes, dtype=torch.float32), torch.tensor(labels)


class DrawnShapes(Dataset):
    """Images in a folder, drawn once; boxes and labels stay in memory, as annotations do."""

    def __init__(self, folder: Path, images: int, size: int, classes: int) -> None:
        self.folder = folder
        self.targets: list[dict[str, torch.Tensor]] = []
        generator = torch.Generator().manual_seed(0)
        for index in range(images):
            image, boxes, labels = draw(size, classes, generator)
            write_png(image, str(self.path(index)))
            self.targets.append({"boxes": boxes, "labels": labels})

    def path(self, index: int) -> Path:
        return self.folder / f"{index:05}.png"

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        return read_image(str(self.path(index))).float() / 255, self.targets[index]


def collate(samples: list) -> tuple[list[torch.Tensor], list[dict[str, torch.Tensor]]]:
    return [image for image, _ in samples], [target for _, target in samples]


def build_model(classes: int, image_size: int) -> RetinaNet:
    """torchvision's RetinaNet with another backbone, whose batch norms and first two layers are frozen."""
    backbone = resnet_fpn_backbone(
        backbone_name="resnext50_32x4d",
        weights=None,
        trainable_layers=3,
        returned_layers=[2, 3, 4],
        extra_blocks=LastLevelP6P7(256, 256),
    )
    return RetinaNet(backbone, classes, min_size=image_size, max_size=image_size)


def take_statistics(model: RetinaNet, images: list[torch.Tensor]) -> None:
    """Give the frozen batch norms the statistics of some images, in place of those of pretrained weights."""

    def take(norm: FrozenBatchNorm2d, inputs: tuple[torch.Tensor]) -> None:
        norm.running_var, norm.running_mean = torch.var_mean(inputs[0], dim=(0, 2, 3))

    norms = [module for module in model.modules() if isinstance(module, FrozenBatchNorm2d)]
    hooks = [norm.register_forward_pre_hook(take) for norm in norms]
    with torch.no_grad():
        model.backbone(model.transform(images)[0].tensors)
    for hook in hooks:
        hook.remove()


def batches(loader: DataLoader, steps: int):
    """Yield `steps` batches, over as many epochs as that takes."""
    step = 0
    while True:
        for images, targets in loader:
            step += 1
            yield step, images, targets
            if step == steps:
                return


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--image-size", type=int, default=256, help="width and height in pixels (default: %(default)s)")
    parser.add_argument("--batch-size", type=int, default=2, help="images per step (default: %(default)s)")
    parser.add_argument("--classes", type=int, default=91, help="including the background (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=50, help="optimizer updates (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=1, help="DataLoader worker processes (default: %(default)s)")
    parser.add_argument("--lr", type=float, default=1e-4, help="learning rate of Adam (default: %(default)s)")
    parser.add_argument("--images", type=int, default=32, help="number of images to draw (default: %(default)s)")
    options = parser.parse_args()
    if not 1 <= options.batch_size <= options.images:
        parser.error(f"--batch-size {options.batch_size} is not between 1 and --images {options.images}")
    if options.classes < 2:
        parser.error("--classes includes the background and must be at least 2")
    if options.image_size < 32 or options.steps < 1:
        parser.error("--image-size must be at least 32 and --steps at least 1")

    torch.manual_seed(0)
    with tempfile.TemporaryDirectory(prefix="shapes-") as folder:
        pictures = DrawnShapes(Path(folder), options.images, options.image_size, options.classes)
        loader = DataLoader(
            pictures,
            batch_size=options.batch_size,
            shuffle=True,
            drop_last=True,
            num_workers=options.workers,
            collate_fn=collate,
            persistent_workers=options.workers > 0,
        )
        model = build_model(options.classes, options.image_size).train()
        take_statistics(model, [pictures[index][0] for index in range(options.batch_size)])
        trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
        optimizer = torch.optim.Adam(trainable, lr=options.lr)
        for step, images, targets in batches(loader, options.steps):
            losses = model(images, targets)
            loss = losses["classification"] + losses["bbox_regression"]
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            print(f"step {step}/{options.steps}  loss {loss.item():.4f}", flush=True)


if __name__ == "__main__":
    main()
