"""Trainings on tensors of all kinds, one a name: `tensors.py KIND`."""

import sys
import warnings

warnings.filterwarnings("ignore")

import torch
from torch import nn

STEPS = 40
torch.manual_seed(0)


def train(net, loss_of, step=None):
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = loss_of(net)
        loss.backward()
        optimizer.step()
    print(round(float(loss.detach()), 5))


def embedding():
    """Gradients in coordinate form."""
    net = nn.Sequential(nn.Embedding(50, 8, sparse=True), nn.Linear(8, 2))
    words = torch.arange(16).reshape(4, 4)
    train(net, lambda net: net(words).pow(2).mean())


def compressed():
    """Products with matrices in each compressed layout."""
    dense = torch.eye(8) + torch.diag(torch.ones(7), 1)
    graph, blocks = dense.to_sparse_csr(), dense.to_sparse_bsr((2, 2))
    columns = dense.to_sparse_csc()
    rows = torch.randn(8, 8)
    net = nn.Linear(8, 8)
    train(net, lambda net: (graph @ net(rows) + blocks @ rows + columns.to_dense()).pow(2).mean())


def nested():
    """Rows of two lengths, in both layouts."""
    parts = [torch.randn(2, 8), torch.randn(5, 8)]
    net = nn.Linear(8, 8)

    def loss_of(net):
        strided = torch.nested.nested_tensor(parts)
        jagged = torch.nested.nested_tensor(parts, layout=torch.jagged)
        return net(jagged).values().pow(2).mean() + (net(strided) * 2).to_padded_tensor(0.0).pow(2).mean()

    train(net, loss_of)


def quantized():
    net = nn.Linear(8, 8)
    rows = torch.randn(4, 8)

    def loss_of(net):
        coarse = torch.quantize_per_tensor(net.weight.detach(), 0.01, 0, torch.qint8)
        return (net(rows) + coarse.dequantize().sum()).pow(2).mean()

    train(net, loss_of)


def meta():
    """A module without values is made in each step."""
    net = nn.Linear(8, 8)
    rows = torch.randn(4, 8)

    def loss_of(net):
        shape = nn.Linear(8, 8, device="meta")(torch.empty(4, 8, device="meta")).shape
        return net(rows).reshape(shape).pow(2).mean()

    train(net, loss_of)


class Wrapped(torch.Tensor):
    """Holds another tensor, and no values of its own."""

    @staticmethod
    def __new__(cls, held):
        return torch.Tensor._make_wrapper_subclass(cls, held.shape, dtype=held.dtype, device=held.device)

    def __init__(self, held):
        self.held = held

    @classmethod
    def __torch_dispatch__(cls, function, types, arguments=(), keywords=None):
        plain = [one.held if isinstance(one, Wrapped) else one for one in arguments]
        return function(*plain, **(keywords or {}))


class Named(torch.Tensor):
    """Changes nothing but the type."""


def subclass():
    net = nn.Linear(8, 8)
    rows = torch.randn(4, 8)
    wrapped, named = Wrapped(rows), rows.as_subclass(Named)
    train(net, lambda net: (net(wrapped * 2) + net(named)).pow(2).mean())


def functional():
    """What `torch.func` wraps, and complex numbers."""
    net = nn.Linear(8, 8)
    rows = torch.randn(4, 8)

    def loss_of(net):
        slopes = torch.func.vmap(torch.func.grad(lambda row: row.sin().sum()))(rows)
        return net(torch.fft.fft(slopes).abs()).pow(2).mean()

    train(net, loss_of)


def odd():
    """No dimension, no element, strides of zero, more elements than any memory holds; lists of tensors; oneDNN's layout."""
    net = nn.Linear(8, 8)
    rows = torch.randn(4, 8)

    def loss_of(net):
        huge = torch.ones(1).expand(2**40, 1, 8)[0]
        several = torch.cat([rows, torch.empty(0, 8), huge])
        scattered = torch.zeros(3, 8).scatter_add(0, torch.zeros(5, 8, dtype=torch.long), several)
        opaque = rows.to_mkldnn().relu().to_dense()
        return net(torch.stack([scattered.sum(0), opaque.sum(0)])).pow(2).mean() * torch.tensor(1.0)

    train(net, loss_of)


if __name__ == "__main__":
    globals()[sys.argv[1]]()
