"""torchvision's ResNet-50 on random images."""

import torch
from torchvision.models import resnet50

torch.manual_seed(0)
model = resnet50(num_classes=100)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
images, labels = torch.rand(8, 3, 128, 128), torch.randint(100, (8,))
while True:
    loss = torch.nn.functional.cross_entropy(model(images), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
