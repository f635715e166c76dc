"""Quantization-aware training: fused convolution, batch norm and ReLU with fake-quantized weights, observers, freezing."""

import torch
from record import Record
from torch import nn
from torch.ao import quantization


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.quant, self.dequant = quantization.QuantStub(), quantization.DeQuantStub()
        self.stem = nn.Sequential(nn.Conv2d(3, 128, 3, padding=1, bias=False), nn.BatchNorm2d(128), nn.ReLU())
        self.body = nn.Conv2d(128, 128, 3, padding=1)
        self.relu = nn.ReLU()
        self.head = nn.Linear(128, 5)

    def forward(self, x):
        x = self.relu(self.body(self.stem(self.quant(x))))
        return self.dequant(self.head(x.mean((2, 3))))


record = Record()
model = Net().train()
quantization.fuse_modules_qat(model, [["stem.0", "stem.1", "stem.2"], ["body", "relu"]], inplace=True)
model.qconfig = quantization.get_default_qat_qconfig("fbgemm")
quantization.prepare_qat(model, inplace=True)
optimizer = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)
record.watch(model=model, optimizer=optimizer)
for update in record.updates:
    if update == 5:
        model.apply(quantization.disable_observer)
        model.apply(torch.ao.nn.intrinsic.qat.freeze_bn_stats)
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(torch.randn(2, 3, 24, 24)), torch.randint(5, (2,)))
    loss.backward()
    optimizer.step()
    record.loss(loss)
print("fake quantizations:", sum("FakeQuantize" in type(module).__name__ for module in model.modules()))
record.end()
