"""torchvision's RetinaNet on a small backbone with frozen batch norm: losses inside the model, lists of images."""

import torch
from record import Record
from torch import nn
from torchvision.models.detection import RetinaNet
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.resnet import BasicBlock
from torchvision.ops import FrozenBatchNorm2d


class Backbone(nn.Sequential):
    out_channels = 32


record = Record()
backbone = Backbone(
    nn.Conv2d(3, 32, 3, stride=4, padding=1), *(BasicBlock(32, 32, norm_layer=FrozenBatchNorm2d) for _ in "ab")
)
backbone[0].requires_grad_(False)
anchors = AnchorGenerator(sizes=((32,),), aspect_ratios=((0.5, 1.0, 2.0),))
model = RetinaNet(backbone, num_classes=7, anchor_generator=anchors, min_size=64, max_size=64)
optimizer = torch.optim.SGD(
    [parameter for parameter in model.parameters() if parameter.requires_grad], 1e-2, momentum=0.9
)
record.watch(model=model, optimizer=optimizer)
for _ in record.updates:
    images = [torch.rand(3, 64, 64) for _ in range(2)]
    targets = [{"boxes": torch.tensor([[4.0, 4.0, 40.0, 44.0]]), "labels": torch.tensor([label])} for label in (2, 5)]
    losses = model(images, targets)
    loss = sum(losses.values())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    record.loss(loss)
record.end()
