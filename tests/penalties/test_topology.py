"""Topology: what spanning trees cost in tiny worlds, and that its weight keeps their lengths."""

import pytest
import torch

from diabolo.flow import Batch, Code, Output
from diabolo.model import Recipe
from diabolo.nets import MLP
from diabolo.penalties import Topology


def cost(x, z, weight=1.0):
    free = torch.zeros(len(z))
    model = Recipe(MLP((4,))).build((x.shape[1],), z.shape[1])
    return float(Topology(weight).penalty(model, Batch(x), Output(x, Code(z, z, free), x, free, free)))


def test_codes_at_the_distances_of_the_data_cost_nothing():
    x = torch.randn(30, 4)
    assert cost(x, x / 2) == pytest.approx(0, abs=1e-6)


def test_three_on_a_line_cost_what_the_formula_says():
    """The tree of x has edges of 1 and 2; codes of half the lengths have the same tree, of .5 and 1."""
    x = torch.tensor([[0.0], [1.0], [3.0]])
    assert cost(x, x / 2, weight=2.0) == pytest.approx(2 * 2 * 0.5 * (0.5**2 + 1.0**2) / 3)


def test_both_trees_count():
    """Codes in another order: edges 0–1 and 1–2 of x are 1 and 2 long in z, edges 0–1 and 0–2 of z 1 and 3 in x."""
    x, z = torch.tensor([[0.0], [1.0], [3.0]]), torch.tensor([[0.0], [1.0], [-1.0]])
    of_x, of_z = (1 - 1) ** 2 + (2 - 2) ** 2, (1 - 1) ** 2 + (3 - 1) ** 2
    assert cost(x, z) == pytest.approx(0.5 * (of_x + of_z) / 3)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_equal_samples_have_a_value_and_a_gradient(count):
    model = Recipe(MLP((4,)), penalties=(Topology(),)).build((3,), 2)
    loss = model(Batch(torch.zeros(count, 3))).loss
    loss.backward()
    assert bool(loss.isfinite())
    assert all(bool(w.grad.isfinite().all()) for w in model.parameters() if w.grad is not None)


def test_more_weight_keeps_the_lengths():
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(60, 6, generator=draw)
    lost = []
    for weight in (0.0, 1.0):
        torch.manual_seed(0)
        model = Recipe(MLP((16,)), penalties=(Topology(weight),)).build((6,), 2)
        adam = torch.optim.Adam(model.parameters(), 1e-2)
        for _ in range(100):
            adam.zero_grad()
            model(Batch(x)).loss.backward()
            adam.step()
        with torch.no_grad():
            lost.append(cost(x, model.encode(x).mean))
    assert lost[1] < 0.75 * lost[0]
