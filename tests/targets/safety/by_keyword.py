"""Functions and layers are called by keywords, and a traced copy keeps the program's own names for its values."""

import torch
from record import Record
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(in_channels=3, out_channels=16, kernel_size=3)
        self.drop = nn.Dropout(p=0.2)
        self.head = nn.Linear(in_features=16, out_features=4)

    def forward(self, *, images):
        x = self.drop(input=nn.functional.relu(input=self.conv(input=images)))
        x = nn.functional.dropout(input=x, p=0.1, training=self.training)
        x = torch.dropout(x, 0.1, self.training)
        return self.head(input=nn.functional.rrelu(input=x, training=self.training).mean((2, 3)))


class Positional(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, images):
        return self.net(images=images)


record = Record()
model = Net()
optimizer = torch.optim.Adam(params=model.parameters(), lr=1e-3)
record.watch(model=model, optimizer=optimizer)
for _ in record.updates:
    scores = model(images=torch.randn(4, 3, 8, 8))
    loss = nn.functional.cross_entropy(input=scores, target=torch.randint(4, (4,)))
    (slope,) = torch.autograd.grad(outputs=loss, inputs=[model.head.bias], retain_graph=True)
    optimizer.zero_grad(set_to_none=True)
    torch.autograd.backward(tensors=loss)
    optimizer.step(closure=None)
    record.loss(loss)
record.fact(slope=float(slope.abs().sum()))
with torch.no_grad():
    traced = torch.jit.trace(Positional(model.eval()), example_inputs=torch.randn(2, 3, 8, 8))
record.fact(code=traced.net.code)
record.end()
