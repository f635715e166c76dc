"""Small trainings that end with a hash of their weights: `certificate.py MODEL`; what CASE names is done otherwise."""

import hashlib
import os
import sys

import torch
from torch import nn

model_name, case = sys.argv[1], os.environ.get("CASE", "")
torch.manual_seed(int(case == "seed"))
torch.set_num_threads(1)
numbers = torch.Generator().manual_seed(1)


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(50, 16)
        self.layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.1, batch_first=True)
        self.head = nn.Linear(16, 50)

    def forward(self, tokens):
        return self.head(self.layer(self.embed(tokens))).flatten(0, 1)


def images():
    return torch.randn(8, 3, 12, 12, generator=numbers), torch.randint(0, 4, (8,), generator=numbers)


def tokens():
    words = torch.randint(0, 50, (4, 8), generator=numbers)
    return words, words.roll(1, 1).flatten()


MODELS = {
    "convolutions": (
        lambda: nn.Sequential(
            nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 16, 3), nn.BatchNorm2d(16), nn.ReLU(),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 4),
        ),
        images,
    ),
    "attention": (Attention, tokens),
    "sparse": (lambda: nn.Sequential(nn.EmbeddingBag(50, 8, sparse=True), nn.Linear(8, 4)),
               lambda: (tokens()[0], torch.randint(0, 4, (4,), generator=numbers))),
}  # fmt: skip
build, batch = MODELS[model_name.split("-")[0]]
model = build()
rate = 0.01 * (1.01 if case == "rate" else 1)
parameters = [one for name, one in model.named_parameters() if not (case == "dropped" and name == "8.bias")]
if model_name.endswith("lbfgs"):
    optimizers = [torch.optim.LBFGS(parameters, lr=0.1, max_iter=3)]
elif model_name == "sparse":
    optimizers = [torch.optim.SparseAdam(parameters[:1]), torch.optim.SGD(parameters[1:], lr=rate)]
elif model_name.endswith("sgd"):
    optimizers = [torch.optim.SGD(parameters, lr=rate, momentum=0.9, weight_decay=1e-4)]
else:
    optimizers = [torch.optim.Adam(parameters, lr=rate)]
for _ in range(int(os.environ.get("STEPS", "100"))):
    inputs, labels = batch()

    def closure():
        for one in optimizers:
            one.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=case == "bf16"):
            outputs = model(inputs)
        loss = nn.functional.cross_entropy(outputs.float(), labels)
        loss.backward()
        return loss

    if model_name.endswith("lbfgs"):
        optimizers[0].step(closure)
    else:
        closure()
        for one in optimizers:
            one.step()
weights = hashlib.sha256()
for parameter in model.parameters():
    weights.update(parameter.detach().numpy().tobytes())
print("weights", weights.hexdigest())
