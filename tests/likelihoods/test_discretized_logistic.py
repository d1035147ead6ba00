"""Probabilities of 256 levels: they sum to one, in the tails and at the ends too, and are what is drawn."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from diabolo import Reducer
from diabolo.data import Scaling
from diabolo.errors import ParameterError
from diabolo.flow import Batch
from diabolo.likelihoods import DiscretizedLogistic
from diabolo.model import Recipe
from diabolo.nets import MLP, Conv, UNet
from diabolo.training import Training

LEVELS = torch.arange(256, dtype=torch.float64).view(256, 1) / 255
numbers = st.floats(-1e4, 1e4, width=32)
some = st.lists(st.floats(-4, 4), min_size=6, max_size=6)


def log_p(params, dtype=torch.float64):
    """Return the log probabilities (256,) of the levels, for params (3K,) of one element."""
    part = DiscretizedLogistic(len(params) // 3)
    row = torch.as_tensor(params, dtype=dtype)
    return -part.distortion(row.expand(256, -1), LEVELS.to(dtype)).flatten()


@settings(max_examples=50, deadline=None)
@given(st.lists(numbers, min_size=6, max_size=6))
def test_the_levels_sum_to_one_whatever_the_decoder_says(params):
    assert log_p(params).exp().sum().item() == pytest.approx(1, abs=1e-9)
    assert log_p(params, torch.float32).exp().sum().item() == pytest.approx(1, abs=1e-3)


@settings(max_examples=50, deadline=None)
@given(some)
def test_a_level_has_what_lies_within_half_a_step_of_it(params):
    logits, mean, raw = torch.tensor(params, dtype=torch.float64).view(3, 2)
    scale = math.exp(-7) * (1 + (raw + 7).exp())  # bent: the scales add
    ends = torch.cat([torch.tensor([-math.inf]), 2 * (LEVELS[1:, 0] - 0.5 / 255) - 1, torch.tensor([math.inf])])
    below = ((ends[:, None] - mean) / scale).sigmoid()  # (257, 2)
    p = (logits.softmax(0) * below.diff(dim=0)).sum(1)
    assert torch.allclose(log_p(params).exp(), p, atol=1e-12)


def test_black_and_white_have_the_tails():
    for mean, level in ((-3.0, 0), (3.0, 255)):
        assert log_p([0.0, mean, -3.0])[level].item() == pytest.approx(0, abs=1e-6)
    assert log_p([0.0, 0.0, 1e4])[[0, 255]].exp().tolist() == pytest.approx([0.5, 0.5], abs=1e-3)  # hardly any inside


def test_the_tails_keep_their_digits_in_float32():
    params = [0.0, 0.9, -14.0]  # a thousand scales away: a difference of sigmoids would be 0
    exact, single = log_p(params), log_p(params, torch.float32).double()
    assert exact.min() < -600
    torch.testing.assert_close(single, exact, rtol=1e-4, atol=1e-3)


@settings(max_examples=50, deadline=None)
@given(st.lists(numbers, min_size=6, max_size=6), st.integers(0, 255))
def test_gradients_are_finite_at_extremes(params, level):
    p = torch.tensor([params], requires_grad=True)
    cost = DiscretizedLogistic(2).distortion(p, torch.tensor([[level / 255]]))
    cost.sum().backward()
    assert p.grad is not None
    assert bool(cost.isfinite().all() and p.grad.isfinite().all())
    assert cost.item() >= -1e-6


@settings(max_examples=100, deadline=None)
@given(st.floats(-1.5, 1.5), st.floats(-1e4, 5))
def test_the_mean_is_that_of_the_levels_but_for_a_fifth_of_one(mean, log_scale):
    params = [0.0, mean, log_scale]
    expected = (log_p(params).exp() * LEVELS[:, 0]).sum().item()
    got = DiscretizedLogistic(1).mean(torch.tensor([params], dtype=torch.float64)).item()
    assert 0 <= got <= 1
    assert abs(got - expected) < 0.2 / 255


def test_draws_are_levels_as_often_as_they_are_probable():
    torch.manual_seed(0)
    params, count = [1.0, 0.0, -1.2, 0.6, -2.0, -3.0], 200_000
    drawn = DiscretizedLogistic(2).sample(torch.tensor(params).expand(count, 6))
    level = drawn * 255
    assert torch.equal(level.round(), level)
    share = torch.bincount(level.flatten().long(), minlength=256) / count
    p = log_p(params).exp()
    assert p[0] > 0.2
    assert bool(((share - p).abs() < 5 * (p / count).sqrt() + 1e-5).all())


@pytest.mark.parametrize("shape", [(2,), (5, 2), (2, 3, 3)], ids=str)
def test_channels_are_independent(shape):
    part, axis = DiscretizedLogistic(3), 1 if len(shape) == 3 else -1
    torch.manual_seed(0)
    x, p = torch.rand(4, *shape), torch.randn(4, *part.shape(shape))
    moved = p.clone()
    moved.movedim(axis, -1)[..., 1::2] += 1.0  # all that is said of channel 1
    before, after = (part.distortion(params, x).movedim(axis, -1) for params in (p, moved))
    assert torch.equal(before[..., 0], after[..., 0])
    assert bool((before[..., 1] != after[..., 1]).all())


def nats(components):
    """Return what levels 40 and 200, equally frequent, cost with the best params found."""
    torch.manual_seed(0)
    part, x = DiscretizedLogistic(components), torch.tensor([[40.0], [200.0]]) / 255
    params = (0.5 * torch.randn(1, 3 * components)).requires_grad_()
    adam = torch.optim.Adam([params], 0.1)
    slower = torch.optim.lr_scheduler.LinearLR(adam, 1.0, 0.01, 400)
    for _ in range(400):
        adam.zero_grad()
        part.distortion(params.expand(2, -1), x).mean().backward()
        adam.step()
        slower.step()
    return part.distortion(params.expand(2, -1), x).mean().item()


def test_two_components_know_two_levels():
    assert nats(1) > 3
    assert nats(2) == pytest.approx(math.log(2), abs=0.1)


def test_bytes_come_as_levels():
    images = np.random.default_rng(0).integers(3, 250, (6, 1, 4, 4), dtype=np.uint8)
    scaling = Scaling.fit(images, DiscretizedLogistic().domains(1))
    assert torch.equal(scaling.batch(scaling.tensor(images)), torch.from_numpy(images).float() / 255)


@pytest.mark.filterwarnings("ignore:The autoencoder is not better than PCA")  # nor is it meant to be, on noise
def test_an_estimator_rebuilds_bytes_within_their_range():
    images = np.random.default_rng(0).integers(0, 256, (40, 3, 8, 8), dtype=np.uint8)
    recipe = Recipe(likelihood=DiscretizedLogistic(2))
    reducer = Reducer(2, recipe=recipe, training=Training(epochs=1), random_state=0).fit(images)
    rebuilt = reducer.inverse_transform(reducer.transform(images))
    assert rebuilt.shape == images.shape
    assert 0 <= rebuilt.min() <= rebuilt.max() <= 255


@pytest.mark.parametrize("net", [MLP((8,)), Conv((4,)), UNet((4,))], ids=str)
def test_nets_give_its_params(net):
    torch.manual_seed(0)
    model = Recipe(net, likelihood=DiscretizedLogistic(2)).build((3, 8, 8), 2)
    output = model(Batch(torch.randint(256, (5, 3, 8, 8)) / 255))
    assert output.params.shape == (5, 18, 8, 8)
    assert output.loss.item() / 192 < 2 * math.log(256)  # of the order of knowing nothing, log 256


@pytest.mark.parametrize("components", [0, 101, 2.5])
def test_components_are_a_few(components):
    with pytest.raises(ParameterError, match="'components' of DiscretizedLogistic must be an integer in"):
        DiscretizedLogistic(components).check()
