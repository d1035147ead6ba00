"""Data of known bounds, errors of a known size, and the choice between them."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from diabolo.errors import ParameterError
from diabolo.flow import Batch
from diabolo.latents import Gaussian as Variational
from diabolo.likelihoods import Auto, Bernoulli, Clipped, Gaussian, Laplace, Mixed, SquaredError
from diabolo.model import Recipe
from diabolo.nets import MLP, Conv, Linear
from diabolo.part import PARTS, from_json

UNIT = Clipped((-1.0,), (1.0,))


@given(st.floats(-100, 100), st.floats(-1, 1))
def test_clipped_is_the_squared_error_of_what_was_cut_off(said, x):
    params, target = torch.tensor([[said]], dtype=torch.float64), torch.tensor([[x]], dtype=torch.float64)
    mean = UNIT.mean(params)
    assert -1 <= mean.item() <= 1
    assert mean.item() == min(max(said, -1.0), 1.0)
    assert torch.allclose(UNIT.distortion(params, target), SquaredError().distortion(mean, target))
    assert -1 <= UNIT.sample(params).item() <= 1


def test_nothing_is_lost_beyond_a_bound_that_the_target_sits_on():
    params, target = torch.tensor([[-1.0, -7.0, 1.0, 300.0]]), torch.tensor([[-1.0, -1.0, 1.0, 1.0]])
    assert torch.equal(UNIT.distortion(params, target), torch.zeros(1, 4))


def test_the_gradient_passes_beyond_the_bounds_and_is_that_of_the_cut_value():
    params = torch.tensor([[-5.0, -5.0, 0.5, 5.0, 5.0]], requires_grad=True)
    target = torch.tensor([[-1.0, 0.0, 0.0, 1.0, 0.0]])
    (slope,) = torch.autograd.grad(UNIT.distortion(params, target).sum(), params)
    assert torch.equal(slope, torch.tensor([[0.0, -1.0, 0.5, 0.0, 1.0]]))


@pytest.mark.parametrize(("shape", "axis"), [((3,), 1), ((5, 3), 2), ((3, 4, 2), 1)], ids=str)
def test_each_channel_has_its_own_bounds(shape, axis):
    part = Clipped((-1.0, -2.0, 0.0), (1.0, 3.0, 0.25))
    assert part.shape(shape) == shape
    high = part.mean(torch.full((2, *shape), 99.0)).movedim(axis, 0)
    low = part.mean(torch.full((2, *shape), -99.0)).movedim(axis, 0)
    for k in range(3):
        assert high[k].unique().tolist() == [part.high[k]]
        assert low[k].unique().tolist() == [part.low[k]]


def test_wrong_bounds_are_refused_when_a_model_is_built():
    with pytest.raises(ParameterError, match="'low' of Clipped must hold 1 bound, or 4, one per channel; got 2"):
        Recipe(likelihood=Clipped((0.0, 0.0), (1.0, 1.0))).build((4,), 2)
    with pytest.raises(ParameterError, match="'high' of Clipped must be a tuple"):
        Recipe(likelihood=Clipped((0.0,), (float("inf"),))).build((4,), 2)


def test_a_wide_table_of_bytes_may_have_bounds_for_each_column():
    part = Clipped((-1.0,) * 5000, (1.0,) * 5000)
    part.check()
    assert part.shape((5000,)) == (5000,)
    assert from_json(part.to_json()) == part


def test_auto_is_squared_error_until_it_knows_better():
    assert Auto().choose(None) == SquaredError()
    assert Auto().choose(((-1.0, -2.0), (1.0, 2.0))) == Clipped((-1.0, -2.0), (1.0, 2.0))
    p, x = torch.randn(3, 4), torch.randn(3, 4)
    assert torch.equal(Auto().distortion(p, x), SquaredError().distortion(p, x))
    assert torch.equal(Auto().mean(p), p)
    assert Auto().equation() == SquaredError().equation()


def test_settle_chooses_what_a_recipe_leaves_open():
    bounds = ((0.0,), (1.0,))
    assert Recipe().settle((9,)) == Recipe(MLP(activation="relu"), likelihood=SquaredError())
    assert Recipe().settle((9, 2), bounds) == Recipe(MLP(), likelihood=Clipped(*bounds))
    assert Recipe().settle((1, 8, 8), bounds).settle((9,)) == Recipe(Conv(), likelihood=Clipped(*bounds))
    assert Recipe(Linear()).settle((9,), bounds) == Recipe(Linear(), likelihood=SquaredError())
    chosen = Recipe(Conv(), likelihood=Laplace())
    assert chosen.settle((9,), bounds) == chosen


def test_building_settles():
    assert Recipe().build((9,), 2).recipe == Recipe(MLP(activation="relu"), likelihood=SquaredError())
    assert Recipe().build((1, 8, 8), 2).recipe.net == Conv()


def test_where_the_params_begin_with_the_mean():
    say = {name for name, cls in PARTS["likelihoods"].items() if cls.__module__.startswith("diabolo.")}
    assert {"Auto", "Bernoulli", "Mixed"} <= say
    p = torch.randn(5, 8)
    for part in (SquaredError(), SquaredError(0.3), Laplace(), Gaussian(), Auto(), Clipped((-9.0,), (9.0,))):
        assert part.begins_with_mean
        mean = part.mean(p)
        assert torch.equal(mean, p[:, : mean.shape[1]])
    for part in (Bernoulli(), Mixed((SquaredError(),), (8,))):
        assert not part.begins_with_mean


def kl(likelihood):
    """Return the KL and the squared error of a small variational autoencoder after training."""
    torch.manual_seed(0)
    x = torch.randn(256, 2) @ torch.randn(2, 6)
    model = Recipe(Linear(), Variational(), likelihood).build((6,), 2)
    adam = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(300):
        adam.zero_grad()
        model(Batch(x)).loss.backward()
        adam.step()
    with torch.no_grad():
        return model(Batch(x)).rate.mean().item(), (model.reconstruct(x) - x).square().mean().item()


def test_a_smaller_sigma_buys_more_nats_and_a_smaller_error():
    rates, errors = zip(*(kl(SquaredError(sigma)) for sigma in (3.0, 1.0, 0.3)), strict=True)
    assert rates[0] + 0.5 < rates[1] < rates[2] - 0.5
    assert errors[0] > errors[1] > errors[2]


def test_sigma_is_beta_in_other_units():
    """σ = 0.3 is σ = 1 with β = 0.09: the same loss but for the factor 0.09."""
    torch.manual_seed(0)
    model = Recipe(MLP((8,)), Variational(), SquaredError(0.3)).build((6,), 2)
    other = Recipe(MLP((8,)), Variational(beta=0.09)).build((6,), 2)
    other.load_state_dict(model.state_dict())
    batch = Batch(torch.randn(20, 6))
    torch.testing.assert_close(0.09 * model(batch, noise=False).loss, other(batch, noise=False).loss)


def test_sigma_is_what_is_drawn():
    torch.manual_seed(0)
    for sigma in (0.3, 2.0):
        assert SquaredError(sigma).sample(torch.zeros(20000, 1)).std().item() == pytest.approx(sigma, rel=0.05)


def test_equations_name_sigma():
    assert SquaredError().equation() == "½‖x − D(z)‖²"
    assert SquaredError(0.3).equation() == "½‖x − D(z)‖²/0.3²"
