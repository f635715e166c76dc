"""The program compiles its models by itself, in whole graphs: that must stay so. The backend needs no C++ compiler."""

import torch
from record import Record
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 16, 3, padding=1)
        self.norm = nn.BatchNorm2d(16)
        self.drop = nn.Dropout(0.1)
        self.head = nn.Linear(16, 4)

    def forward(self, images):
        x = self.drop(torch.relu(self.norm(self.conv(images))))
        return self.head(nn.functional.dropout(x, 0.1, self.training).mean((2, 3)))


record = Record()
one, two, three = Net(), Net(), Net()
optimizer = torch.optim.AdamW([*one.parameters(), *two.parameters(), *three.parameters()], 1e-3)
record.watch(one=one, two=two, three=three, optimizer=optimizer)
as_module = torch.compile(one, backend="aot_eager", fullgraph=True)
as_function = torch.compile(three.forward, backend="aot_eager", fullgraph=True)
in_place = torch.compile(lambda scores, targets: nn.functional.cross_entropy(scores, targets), backend="aot_eager")
two.compile(backend="aot_eager", fullgraph=True)
for _ in record.updates:
    images, targets = torch.randn(4, 3, 8, 8), torch.randint(4, (4,))
    loss = sum(in_place(model(images), targets) for model in (as_module, two, as_function))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    record.loss(loss)
record.fact(graphs=torch._dynamo.utils.counters["stats"]["unique_graphs"])
two._compiled_call_impl = None  # cannot be pickled
record.end()
