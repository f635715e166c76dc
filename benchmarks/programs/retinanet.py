"""torchvision's RetinaNet with a ResNet-50 and frozen batch norms, fine-tuned on drawn boxes."""

import torch
from torchvision.models.detection import retinanet_resnet50_fpn
from torchvision.ops import FrozenBatchNorm2d

torch.manual_seed(0)
model = retinanet_resnet50_fpn(
    weights=None, weights_backbone=None, num_classes=91, min_size=256, max_size=256, trainable_backbone_layers=3,
    norm_layer=FrozenBatchNorm2d,
)  # fmt: skip
model.train()
optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=1e-4, momentum=0.9)
images = [torch.rand(3, 256, 256) for _ in range(2)]
targets = [{"boxes": torch.tensor([[30.0, 40.0, 120.0, 160.0]]), "labels": torch.tensor([3])} for _ in images]
while True:
    loss = sum(model(images, targets).values())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
