"""Dictionaries inside one another."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from diabolo.errors import ParameterError
from diabolo.flow import Batch
from diabolo.latents import BatchTopK, Gaussian, Plain, TopK
from diabolo.model import Recipe
from diabolo.nets import MLP
from diabolo.nets.atoms import Atoms
from diabolo.penalties.matryoshka import Matryoshka, nested


def world(count=200):
    """Samples (count, 12): four directions that every sample has much of, and twelve that few have a little of."""
    draw = torch.Generator().manual_seed(0)
    basis = torch.linalg.qr(torch.randn(12, 12, generator=draw))[0]
    much = 2 * torch.rand(count, 12, generator=draw) * (torch.arange(12) < 4)
    return (much + (torch.rand(count, 12, generator=draw) < 0.1) * 0.7) @ basis


def fitted(penalties, steps=120):
    torch.manual_seed(0)
    model, x = Recipe(Atoms(), TopK(6), penalties=penalties).build((12,), 32), world()
    adam = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(steps):
        adam.zero_grad()
        model(Batch(x)).loss.backward()
        adam.step()
    return model.eval()


def alone(model, size):
    """Return the error of samples rebuilt from the first latents alone."""
    x = world()
    with torch.no_grad():
        z = model.encode(x).dense().z * (torch.arange(32) < size)
        return 0.5 * (model.decode(z) - x).square().sum(1).mean().item()


@pytest.mark.parametrize("latent", [TopK(4), BatchTopK(4), Plain(), Gaussian(samples=2)], ids=repr)
@pytest.mark.parametrize("net", [Atoms(), MLP((8,))], ids=repr)
def test_it_is_the_sum_of_the_errors_of_each_group(latent, net):
    torch.manual_seed(0)
    model = Recipe(net, latent, penalties=(Matryoshka((0.5, 0.1, 0.26), 0.3),)).build((7,), 20).double()
    x, target = torch.randn(2, 9, 7, dtype=torch.float64)
    output = model(Batch(x, target))
    z = output.code.dense().z[:9]
    errors = [0.5 * (target - model.decode(z * (torch.arange(20) < m))).square().sum(1) for m in (2, 6, 10)]
    torch.testing.assert_close(output.penalties["matryoshka"], 0.3 * sum(errors))


def test_the_first_latents_rebuild_more_and_the_more_they_weigh_the_more():
    errors = [alone(fitted((Matryoshka((1 / 4,), weight),)), 8) for weight in (0.0, 0.3, 3.0)]
    assert errors[0] > 1.3 * errors[1] > 1.1 * 1.3 * errors[2]


def test_the_groups_say_which():
    one, other = fitted((Matryoshka((1 / 8,)),)), fitted((Matryoshka((1 / 2,)),))
    assert alone(one, 4) < 0.7 * alone(other, 4)
    assert alone(other, 16) < alone(one, 16)


def test_without_groups_it_is_0():
    model = Recipe(Atoms(), TopK(2), penalties=(Matryoshka(()),)).build((7,), 20)
    assert model(Batch(torch.randn(3, 7))).penalties["matryoshka"].tolist() == [0] * 3


def test_groups_are_rounded_up_and_counted_once():
    assert Matryoshka((0.5, 0.001, 0.002, 0.07)).sizes(100) == [1, 7, 50]
    assert Matryoshka().sizes(1) == [1]


def test_a_condition_is_told_each_time():
    torch.manual_seed(0)
    model = Recipe(Atoms(), TopK(4), penalties=(Matryoshka((0.5,)),)).build((7,), 20, condition=2)
    x, known = torch.randn(9, 7), torch.randn(9, 2)
    output = model(Batch(x, condition=known))
    y = model.decode(output.code.z * (torch.arange(20) < 10), known)
    torch.testing.assert_close(output.penalties["matryoshka"], 0.5 * (x - y).square().sum(1))


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 6), st.integers(1, 20), st.sampled_from([0.0, 0.3, 1.0]), st.data())
def test_nested_codes_are_those_of_the_first_columns(rows, columns, share, data):
    sizes = data.draw(st.lists(st.integers(1, columns), min_size=1, max_size=4))
    draw = torch.Generator().manual_seed(data.draw(st.integers(0, 999)))
    x = torch.randn(rows, columns, generator=draw, dtype=torch.float64)
    x = (x * (torch.rand(rows, columns, generator=draw) < share)).to_sparse().requires_grad_()
    found = nested(x, sizes)
    assert found.is_coalesced()
    wanted = torch.cat([x.to_dense() * (torch.arange(columns) < size) for size in sizes])
    assert torch.equal(found.to_dense(), wanted)
    g = torch.randn(wanted.shape, generator=draw, dtype=torch.float64)
    one, other = (torch.autograd.grad(each, x, g)[0].to_dense() for each in (found.to_dense(), wanted))
    torch.testing.assert_close(one * (x.to_dense() != 0), other * (x.to_dense() != 0))


@pytest.mark.parametrize("groups", [(0.0,), (1.0,), (2,), [0.5], 0.5], ids=str)
def test_groups_out_of_range_are_refused(groups):
    with pytest.raises(ParameterError, match="'groups' of Matryoshka must be"):
        Matryoshka(groups).check()


def test_the_equation_holds_the_knobs():
    assert Matryoshka((0.25, 0.5), 2.0).equation() == "2·Σₘ ½‖x − D(z₁…ₘ)‖², m / n = 0.25, 0.5"
