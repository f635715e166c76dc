"""The focal loss in float64, from its definition, and the paper's own formula."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor


def focal_loss_and_gradient(inputs: Tensor, targets: Tensor, alpha: float, gamma: float) -> tuple[Tensor, Tensor]:
    """Of each element, for binary targets."""
    y = targets.double()
    s = 2 * y - 1
    z = s * inputs.double()
    softplus = -F.logsigmoid(z)
    p, q = torch.sigmoid(z), torch.sigmoid(-z)
    weight = torch.ones_like(y) if alpha < 0 else alpha * y + (1 - alpha) * (1 - y)
    factor = weight * torch.exp(gamma * F.logsigmoid(-z))
    return factor * softplus, -s * factor * (gamma * p * softplus + q)


def paper_focal_loss(inputs: Tensor, targets: Tensor) -> Tensor:
    """Equation 3 of the paper (alpha 0.25, gamma 2), with every operation rounded to the type of `inputs`."""
    x, y = inputs, targets
    e = x.exp()
    base = (-e * y + e + y) / (e + 1)
    return base**2 * ((0.25 * (2 * y - 1) - y + 1) * (e + 1).log() - 0.25 * x * y)
