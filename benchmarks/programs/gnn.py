"""A graph convolution network on a random graph, full batch."""

import torch
from torch import nn

torch.manual_seed(0)
NODES, EDGES, WIDTH = 3000, 20_000, 128


class Layer(nn.Module):
    """Means over the neighbours."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.own, self.neighbours = nn.Linear(inputs, outputs), nn.Linear(inputs, outputs, bias=False)

    def forward(self, nodes, sources, targets, degrees):
        received = torch.zeros_like(nodes).index_add_(0, targets, nodes[sources]) / degrees
        return self.own(nodes) + self.neighbours(received)


layers = nn.ModuleList([Layer(500, WIDTH), Layer(WIDTH, WIDTH), Layer(WIDTH, 7)])
optimizer = torch.optim.Adam(layers.parameters(), lr=1e-2, weight_decay=5e-4)
features, labels = torch.rand(NODES, 500), torch.randint(7, (NODES,))
sources, targets = torch.randint(NODES, (2, EDGES))
degrees = torch.zeros(NODES).index_add_(0, targets, torch.ones(EDGES)).clamp(min=1).unsqueeze(1)
while True:
    nodes = features
    for layer in layers[:-1]:
        nodes = nn.functional.dropout(torch.relu(layer(nodes, sources, targets, degrees)), 0.5)
    loss = nn.functional.cross_entropy(layers[-1](nodes, sources, targets, degrees), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
