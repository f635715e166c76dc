"""torchvision's vision transformer, small."""

import torch
from torchvision.models import VisionTransformer

torch.manual_seed(0)
model = VisionTransformer(
    image_size=96, patch_size=16, num_layers=6, num_heads=6, hidden_dim=384, mlp_dim=1536, num_classes=100
)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
images, labels = torch.rand(16, 3, 96, 96), torch.randint(100, (16,))
while True:
    loss = torch.nn.functional.cross_entropy(model(images), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
