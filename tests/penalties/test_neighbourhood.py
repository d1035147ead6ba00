"""Neighbourhood: what it costs in tiny worlds, and that its weight keeps neighbours together."""

import math

import pytest
import torch

from diabolo.flow import Batch, Code, Output
from diabolo.latents import Ladder
from diabolo.metrics import trustworthiness
from diabolo.model import Recipe
from diabolo.nets import MLP, Linear
from diabolo.penalties import Neighbourhood
from diabolo.training import Rows, Training, paired, train


def cost(z, x, is_paired=True, weight=1.0):
    free = torch.zeros(len(z))
    output = Output(x, Code(z, z, free), x, free, free)
    model = Recipe(MLP((4,))).build(tuple(x.shape[1:]), z.shape[1])
    return Neighbourhood(weight).penalty(model, Batch(x, paired=is_paired), output)


def test_codes_of_a_ladder_are_moved_too():
    torch.manual_seed(0)
    model = Recipe(latent=Ladder(), penalties=(Neighbourhood(),)).build((5,), 4)
    term = model(Batch(torch.randn(16, 5))).penalties["neighbourhood"].sum()
    gradient = torch.autograd.grad(term, [*model.parameters()], allow_unused=True)
    assert any(part is not None and bool(part.any()) for part in gradient)


def test_two_samples_cost_nothing_wherever_they_lie():
    """Of two, the other one is the neighbour for sure: log q / q."""
    for far in (0.0, 1.0, 9.0):
        assert torch.allclose(cost(torch.tensor([[0.0], [far]]), torch.zeros(2, 1)), torch.zeros(2), atol=1e-5)


def test_the_cost_of_four_is_the_formula():
    z = torch.tensor([[0.0, 0.0], [3.0, 0.0], [1.0, 0.0], [3.0, 2.0]])  # 0 with 2, 1 with 3
    q = 1 / (1 + torch.cdist(z, z).square())
    all_q = q.sum(1) - 1
    wanted = -torch.stack([(q[i, j] / all_q[i]).log() for i, j in ((0, 2), (1, 3), (2, 0), (3, 1))])
    assert torch.allclose(cost(z, torch.zeros(4, 3)), 3 * wanted, atol=1e-5)


def test_codes_that_are_all_one_cost_the_logarithm_of_their_number():
    assert torch.allclose(cost(torch.zeros(10, 2), torch.zeros(10, 1)), torch.full((10,), math.log(9)))


def test_without_pairs_the_nearest_sample_is_the_neighbour():
    x = torch.tensor([[0.0], [0.1], [5.0], [5.1]])
    together = cost(torch.tensor([[0.0], [0.2], [9.0], [9.2]]), x, False)
    apart = cost(torch.tensor([[0.0], [9.0], [0.2], [9.2]]), x, False)
    assert float(together.sum()) < float(apart.sum())


def test_one_sample_costs_nothing_and_has_a_gradient():
    z = torch.ones(1, 2, requires_grad=True)
    value = cost(z, torch.zeros(1, 3))
    value.sum().backward()
    assert value.tolist() == [0.0]


@pytest.mark.parametrize("weight", [0.5, 2.0])
def test_the_weight_is_the_price(weight):
    z, x = torch.randn(6, 2), torch.randn(6, 4)
    assert torch.allclose(cost(z, x, weight=weight), weight * cost(z, x))


@pytest.fixture(scope="module")
def groups():
    """Six groups (240, 10): what tells them apart is less than what does not, and PCA shows the latter."""
    draw = torch.Generator().manual_seed(0)
    x = 0.2 * torch.randn(240, 10, generator=draw)
    x[:, :2] = 3 * torch.rand(240, 2, generator=draw)
    x[:, 4:] += 2 * torch.eye(6).repeat_interleave(40, 0)
    return x


def kept(x, penalty):
    rows = Rows(x, lambda x: x)
    torch.manual_seed(0)
    model = Recipe(Linear(), penalties=(penalty,)).build((10,), 2)
    (source,) = paired([rows], rows, [penalty])
    train(model, source, None, Training(epochs=40, batch_size=60, validation=0.0))
    with torch.no_grad():
        return trustworthiness(x.numpy(), model.encode(x).mean.numpy(), 10)


def test_more_weight_keeps_more_neighbours(groups):
    none, some, much = (kept(groups, Neighbourhood(weight, neighbours=8, limit=9.0)) for weight in (0.0, 0.03, 1.0))
    assert none < some < much
    assert none + 0.04 < much


def test_neighbours_decide_how_wide_a_neighbourhood_is(groups):
    """The pair of a sample is farther away, the more neighbours it is drawn from."""
    rows, apart = Rows(groups, lambda x: x), []
    for neighbours in (1, 8, 100):
        (source,) = paired([rows], rows, [Neighbourhood(neighbours=neighbours, mixing=0.0, limit=9.0)])
        first, second = next(source.epoch(240, seed=0)).x.chunk(2)
        apart.append(float((first - second).norm(dim=1).mean()))
    assert apart[0] < apart[1] < apart[2]
