"""A mixture of logistics: a density, alone and with a memory; knobs move what they name."""

import math

import pytest
import torch

from diabolo.errors import ParameterError
from diabolo.likelihoods import DiscretizedLogistic, LogisticMixture


def said(part, steps, **values):
    """Params (1, T, ·) of one channel with the same mixture at each step, told by name."""
    names = ("logits", "mean", "log_scale", *(("gate", *(f"lag{k + 1}" for k in range(part.order))) * bool(part.order)))
    rows = [torch.as_tensor(values.get(name, [0.0] * part.components)) for name in names]
    return torch.cat(rows).double().expand(1, steps, -1)


@pytest.mark.parametrize("order", [1, 2, 5])
def test_a_series_of_two_steps_has_a_density(order):
    torch.manual_seed(0)
    part = LogisticMixture(2, order)
    grid = torch.linspace(-40, 40, 801, dtype=torch.float64)
    params = torch.randn(1, *part.shape((2, 1)), dtype=torch.float64)
    x = torch.cartesian_prod(grid, grid).unsqueeze(2)
    density = (-part.distortion(params.expand(len(x), -1, -1), x).sum((1, 2))).exp()
    assert float(density.sum()) * 0.1**2 == pytest.approx(1, abs=1e-3)


def test_memory_is_that_of_an_autoregression():
    torch.manual_seed(0)
    part = LogisticMixture(1, 1)
    x = part.sample(said(part, 20000, lag1=[math.atanh(0.9)]))[0, :, 0]
    assert float(torch.corrcoef(torch.stack([x[1:], x[:-1]]))[0, 1]) == pytest.approx(0.9, abs=0.02)
    assert float(x.std()) == pytest.approx(math.pi / 3**0.5 / (1 - 0.81) ** 0.5, rel=0.1)


def test_two_lags_are_those_of_the_partial_autocorrelations():
    part, r = LogisticMixture(1, 2), (0.5, -0.8)
    params = said(part, 3, lag1=[math.atanh(r[0])], lag2=[math.atanh(r[1])], log_scale=[-99.0])
    x = torch.tensor([[1.0, 0.0, 0.0]], dtype=torch.float64)[..., None]
    x[0, 1, 0] = r[0] * (1 - r[1])  # after 0, 1
    x[0, 2, 0] = r[0] * (1 - r[1]) * x[0, 1, 0] + r[1]
    hit = part.distortion(params, x)[0, 1:, 0]
    torch.testing.assert_close(hit, torch.full_like(hit, math.log(4 * part.floor)), atol=1e-3, rtol=0)


def test_what_comes_next_depends_on_where_it_was():
    part = LogisticMixture(2, 1)  # up from below, down from above: components at 1 and -1, told by the last step
    params = said(part, 400, mean=[1.0, -1.0], log_scale=[-9.0, -9.0], gate=[-20.0, 20.0])
    torch.manual_seed(0)
    x = part.sample(params)[0, :, 0]
    assert bool((x[1:].sign() == -x[:-1].sign()).all())
    assert bool((x.abs() - 1).abs().max() < 0.2)


def test_the_mean_of_linear_steps_is_that_of_samples():
    torch.manual_seed(0)
    part = LogisticMixture(1, 2)
    params = torch.randn(1, *part.shape((6, 2)), dtype=torch.float64)
    params.view(6, 6, 2)[:, 3] = 0  # no gate
    drawn = part.sample(params.expand(20000, -1, -1))
    spread = drawn.std(0) / math.sqrt(20000)
    assert bool(((drawn.mean(0) - part.mean(params)[0]).abs() <= 6 * spread).all())


@pytest.mark.parametrize("order", [0, 1, 3])
def test_the_truth_is_the_best_guess_on_average(order):
    torch.manual_seed(0)
    part = LogisticMixture(2, order)
    truth = torch.randn(1, *part.shape((5, 2)), dtype=torch.float64)
    drawn = part.sample(truth.expand(20000, -1, -1))
    assert drawn.shape == (20000, 5, 2)
    p = truth.clone().requires_grad_()
    (slope,) = torch.autograd.grad(part.distortion(p.expand(20000, -1, -1), drawn).sum() / 20000, p)
    assert slope.abs().max() < 0.4
    (away,) = torch.autograd.grad(part.distortion((p + 1).expand(20000, -1, -1) * 1.5, drawn).sum() / 20000, p)
    assert away.norm() > 10 * slope.norm()


def test_without_memory_it_is_that_of_bytes_between_levels():
    params = torch.randn(50, 4, 15, dtype=torch.float64)
    x = torch.randint(1, 255, (50, 4, 1)) / 255
    fine = LogisticMixture(5).distortion(params, 2 * x.double() - 1) - math.log(2 / 255)
    levels = DiscretizedLogistic().distortion(params, x.double())
    assert float((fine - levels).abs().median()) < 0.01  # but for scales below a level, which both bound otherwise


def test_knobs():
    x = torch.zeros(1, 1, dtype=torch.float64)
    for floor in (0.001, 0.1):
        sharp = LogisticMixture(1, floor=floor).distortion(torch.tensor([[0.0, 0.0, -99.0]]).double(), x)
        assert float(sharp) == pytest.approx(math.log(4 * floor), abs=1e-6)
    assert LogisticMixture(7).shape((3, 4, 5)) == (63, 4, 5)
    assert LogisticMixture(3, 2).shape((9, 2)) == (9, 36)


@pytest.mark.parametrize("shape", [(8,), (3, 4, 5)])
def test_memory_is_for_series(shape):
    with pytest.raises(
        ParameterError, match=r"'order' of LogisticMixture must be 0 but for series .*; got 1 for samples"
    ):
        LogisticMixture(order=1).shape(shape)
    LogisticMixture().shape(shape)


@pytest.mark.parametrize("order", [0, 1, 2])
def test_a_series_shorter_than_the_memory(order):
    part = LogisticMixture(2, order)
    params, x = torch.randn(3, *part.shape((1, 2))), torch.randn(3, 1, 2)
    for got in (part.distortion(params, x), part.mean(params), part.sample(params)):
        assert got.shape == x.shape
        assert bool(got.isfinite().all())


@pytest.mark.parametrize("scale", [1e4, -1e4])
def test_extreme_params_stay_finite(scale):
    part = LogisticMixture(2, 2)
    params = (scale * torch.randn(6, *part.shape((5, 2))).sign()).requires_grad_()
    x = torch.zeros(6, 5, 2)
    distortion = part.distortion(params, x)
    distortion.sum().backward()
    assert params.grad is not None
    for got in (distortion, params.grad, part.mean(params), part.sample(params)):
        assert bool(got.isfinite().all())
