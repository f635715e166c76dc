"""Message passing on a random graph: gather, scatter-add, dense layers."""

import torch
from torch import nn

torch.manual_seed(0)
NODES, EDGES = 1500, 9000


class Layer(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.message, self.update = nn.Linear(width, width), nn.Linear(2 * width, width)

    def forward(self, nodes, sources, targets):
        received = torch.zeros_like(nodes).index_add(0, targets, torch.relu(self.message(nodes))[sources])
        return torch.relu(self.update(torch.cat([nodes, received], 1)))


layers = nn.ModuleList(Layer(256) for _ in range(3))
head = nn.Linear(256, 7)
optimizer = torch.optim.Adam([*layers.parameters(), *head.parameters()], lr=1e-3, fused=True)
features, labels = torch.randn(NODES, 256), torch.randint(0, 7, (NODES,))
sources, targets = torch.randint(0, NODES, (2, EDGES))
for _ in range(250):
    nodes = features
    for layer in layers:
        nodes = layer(nodes, sources, targets)
    loss = nn.functional.cross_entropy(head(nodes), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
