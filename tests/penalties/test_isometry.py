"""Isometry: 0 for a decoder that only turns and scales, known for a stretch, and its weight evens it out."""

import pytest
import torch
from torch import nn

from diabolo.flow import Batch, Code, Output
from diabolo.model import Recipe
from diabolo.nets import MLP
from diabolo.penalties import Isometry


class Stretch(nn.Module):
    """z (B, n) → A z."""

    def __init__(self, matrix):
        super().__init__()
        self.encoder: nn.Module = nn.Identity()
        self.decoder: nn.Module = nn.Identity()
        self.matrix = matrix

    def encode(self, x: torch.Tensor) -> Code:
        return Code(x, x, x[:, 0])

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        return z @ self.matrix.T

    def expected(self, params: torch.Tensor, through: bool = False) -> torch.Tensor:
        return params


def cost(matrix, count=4000, weight=1.0):
    z = torch.randn(count, matrix.shape[1])
    x, free = z @ matrix.T, torch.zeros(count)
    output = Output(x, Code(z, z, free), x, free, free)
    return float(Isometry(weight).penalty(Stretch(matrix), Batch(x), output)) / matrix.shape[0]


@pytest.mark.parametrize("scale", [0.1, 1.0, 7.0])
def test_turning_and_scaling_costs_nothing(scale):
    turned, _ = torch.linalg.qr(torch.randn(5, 2))
    assert cost(scale * turned) == pytest.approx(0, abs=1e-4)


def test_a_stretch_costs_what_the_formula_says():
    """s = a² cos² φ + b² sin² φ: E s = (a² + b²)/2, E s² = (3a⁴ + 3b⁴ + 2a²b²)/8."""
    a, b = 3.0, 1.0
    mean, square = (a**2 + b**2) / 2, (3 * a**4 + 3 * b**4 + 2 * a**2 * b**2) / 8
    assert cost(torch.diag(torch.tensor([a, b]))) == pytest.approx(square / mean**2 - 1, rel=0.1)


def test_more_weight_evens_the_stretch_out():
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(128, 2, generator=draw) @ torch.tensor([[4.0, 0, 0, 0], [0, 0.5, 0, 0]])
    spread = []
    for weight in (0.0, 3.0):
        torch.manual_seed(0)
        model = Recipe(MLP((16,)), penalties=(Isometry(weight),)).build((4,), 2)
        adam = torch.optim.Adam(model.parameters(), 1e-2)
        for _ in range(200):
            adam.zero_grad()
            model(Batch(x)).loss.backward()
            adam.step()
        free = Recipe(MLP((16,)), penalties=(Isometry(1.0),)).build((4,), 2)
        free.load_state_dict(model.state_dict())
        spread.append(float(torch.stack([free(Batch(x)).penalties["isometry"].detach() for _ in range(20)]).mean()))
    assert spread[1] < 0.5 * spread[0]
