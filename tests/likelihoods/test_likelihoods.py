"""Likelihoods: exact where they say so, finite, least at the truth; means are means of samples."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import distributions as laws

from diabolo.errors import ParameterError
from diabolo.likelihoods import (
    Auto,
    Bernoulli,
    Categorical,
    Clipped,
    DiscretizedLogistic,
    Gaussian,
    Laplace,
    LogisticMixture,
    Mixed,
    Multinomial,
    NegativeBinomial,
    Poisson,
    SharedGaussian,
    SquaredError,
    ZeroInflated,
)

MIXED = Mixed((SquaredError(), Categorical(3), Gaussian(), Bernoulli()), (1, 3, 2, 2))
EXACT = [Laplace(), Bernoulli(), Categorical(2), Categorical(4), Multinomial(), Auto()]
COUNTS = [Poisson(), NegativeBinomial(), ZeroInflated(), ZeroInflated(NegativeBinomial())]
SCALED = [Gaussian(), Gaussian(1e-3), SharedGaussian(), DiscretizedLogistic(), LogisticMixture(), *COUNTS]
PARTS = [SquaredError(), SquaredError(2.0), *SCALED, *EXACT, Clipped()]
SHAPES = [(8,), (5, 4), (4, 3, 3)]
CASES = [*((part, shape) for part in PARTS for shape in SHAPES), (MIXED, (8,))]
every = pytest.mark.parametrize(("part", "shape"), CASES, ids=str)


def params(part, shape, count=6):
    return torch.randn(count, *part.shape(shape), dtype=torch.float64)


@every
@pytest.mark.parametrize("count", [1, 6])
def test_shapes_and_dtype(part, shape, count):
    p, x = params(part, shape, count), torch.rand(count, *shape, dtype=torch.float64)
    for got in (part.distortion(p, x), part.mean(p), part.sample(p)):
        assert got.shape == x.shape
        assert got.dtype == torch.float64


@every
def test_samples_average_to_the_mean(part, shape):
    part = Clipped((-50.0,), (50.0,)) if isinstance(part, Clipped) else part  # cut off, a draw moves off the mean
    torch.manual_seed(0)
    p = params(part, shape, 1)
    drawn = part.sample(p.expand(20000, *p.shape[1:]))
    spread = drawn.std(0) / math.sqrt(20000)
    assert bool(((drawn.mean(0) - part.mean(p)[0]).abs() <= 6 * spread + 1e-3).all())


@every
@pytest.mark.parametrize("scale", [1e4, -1e4])
def test_extreme_params_stay_finite(part, shape, scale):
    p = (scale * params(part, shape).sign()).float().requires_grad_()
    x = torch.zeros(6, *shape)
    distortion = part.distortion(p, x)
    distortion.sum().backward()
    assert bool(distortion.isfinite().all() and part.mean(p).isfinite().all() and p.grad.isfinite().all())


@every
def test_the_truth_is_the_best_guess_on_average(part, shape):
    part = Clipped((-50.0,), (50.0,)) if isinstance(part, Clipped) else part
    torch.manual_seed(0)
    truth = params(part, shape, 1)
    p = truth.clone().requires_grad_()
    drawn = part.sample(truth.expand(20000, *truth.shape[1:]))
    (slope,) = torch.autograd.grad(part.distortion(p.expand(20000, *p.shape[1:]), drawn).sum() / 20000, p)
    assert slope.abs().max() < 0.05
    (away,) = torch.autograd.grad(part.distortion((p + 1).expand(20000, *p.shape[1:]) * 1.5, drawn).sum() / 20000, p)
    assert away.norm() > 4 * slope.norm()


@settings(max_examples=50, deadline=None)
@given(x=st.floats(-50, 50), away=st.floats(-50, 50))
@pytest.mark.parametrize("part", [SquaredError(), Laplace()], ids=str)
def test_errors_are_least_at_the_mean(part, x, away):
    target = torch.tensor([[x]], dtype=torch.float64)
    assert part.distortion(target, target).item() == 0
    assert part.distortion(target + away, target).item() >= 0


@settings(max_examples=50, deadline=None)
@given(x=st.floats(0.01, 0.99), away=st.floats(-9, 9))
def test_bernoulli_is_least_at_the_logit(x, away):
    target = torch.tensor([[x]], dtype=torch.float64)
    best = Bernoulli().distortion(target.logit(), target)
    assert bool((Bernoulli().distortion(target.logit() + away, target) >= best - 1e-12).all())


@settings(max_examples=50, deadline=None)
@given(
    weights=st.lists(st.floats(0.01, 1), min_size=4, max_size=4),
    away=st.lists(st.floats(-5, 5), min_size=4, max_size=4),
)
@pytest.mark.parametrize("part", [Categorical(4), Multinomial()], ids=str)
def test_categories_are_least_at_the_log_probabilities(part, weights, away):
    target = torch.tensor([weights], dtype=torch.float64)
    moved = target.log() + torch.tensor([away], dtype=torch.float64)
    assert part.distortion(target.log(), target).sum() <= part.distortion(moved, target).sum() + 1e-9


@settings(max_examples=50, deadline=None)
@given(
    mean=st.floats(-5, 5),
    log_scale=st.floats(-4, 3),
    shift=st.floats(-3, 3),
    stretch=st.floats(-3, 3),
)
def test_gaussian_is_least_at_mean_and_variance(mean, log_scale, shift, stretch):
    target = torch.tensor([[mean - math.exp(log_scale)], [mean + math.exp(log_scale)]], dtype=torch.float64)
    asked = -10 + math.log(math.expm1(2 * log_scale + 10))  # undoes the smooth bend at -10

    def total(params):
        return Gaussian(math.exp(-5)).distortion(params.expand(2, 2), target).sum()

    best = torch.tensor([mean, asked], dtype=torch.float64, requires_grad=True)
    assert total(best) <= total(best + torch.tensor([shift, stretch])) + 1e-9
    (slope,) = torch.autograd.grad(total(best), best)
    assert slope.abs().max() < 1e-6


@pytest.mark.parametrize("floor", [1e-3, 0.1, 2.0])
@pytest.mark.parametrize("shape", SHAPES)
def test_gaussian_is_exact(shape, floor):
    part = Gaussian(floor)
    p, x = params(part, shape), torch.randn(6, *shape, dtype=torch.float64)
    mean, log_var = p.chunk(2, 1 if len(shape) == 3 else -1)
    scale = (floor**2 + log_var.exp()).sqrt()  # the smooth bend: the variances add
    assert torch.allclose(part.distortion(p, x), -laws.Normal(mean, scale).log_prob(x))


@settings(max_examples=50, deadline=None)
@given(floor=st.floats(1e-3, 10), log_var=st.floats(-1e4, 5))
def test_no_standard_deviation_is_below_the_floor(floor, log_var):
    part, p = Gaussian(floor), torch.tensor([[0.0, log_var]], dtype=torch.float64)
    away = part.distortion(p, torch.ones(1, 1).double()) - part.distortion(p, torch.zeros(1, 1).double())
    sigma = (0.5 / away.item()) ** 0.5  # ½/σ² is what one unit away costs
    assert sigma >= floor * (1 - 1e-9)
    assert log_var > -100 or sigma == pytest.approx(floor)


def test_the_floor_bounds_what_a_constant_can_earn():
    p = torch.tensor([[0.0, -1e4]])
    least = [Gaussian(floor).distortion(p, torch.zeros(1, 1)).item() for floor in (0.01, 0.1, 1.0)]
    assert least == pytest.approx([0.5 * math.log(2 * math.pi) + math.log(floor) for floor in (0.01, 0.1, 1.0)])


def test_laplace_and_squared_error_drop_what_they_say():
    p, x = params(Laplace(), (8,)), torch.randn(6, 8, dtype=torch.float64)
    assert torch.allclose(Laplace().distortion(p, x) + math.log(2), -laws.Laplace(p, 1.0).log_prob(x))
    for sigma in (1.0, 0.3):
        exact = -laws.Normal(p, sigma).log_prob(x) - math.log(sigma)
        assert torch.allclose(SquaredError(sigma).distortion(p, x) + 0.5 * math.log(2 * math.pi), exact)


def test_bernoulli_is_exact():
    p, x = params(Bernoulli(), (8,)), torch.randint(2, (6, 8)).double()
    assert torch.allclose(Bernoulli().distortion(p, x), -laws.Bernoulli(logits=p).log_prob(x))


@pytest.mark.parametrize("shape", SHAPES)
def test_categorical_is_exact_in_blocks_of_channels(shape):
    part = Categorical(2)
    p = params(part, shape)
    x = part.sample(p)
    axis = 1 if len(shape) == 3 else -1
    logits, target = p.movedim(axis, -1).unflatten(-1, (-1, 2)), x.movedim(axis, -1).unflatten(-1, (-1, 2))
    assert torch.equal(target.sum(-1), torch.ones_like(target.sum(-1)))
    exact = -laws.OneHotCategorical(logits=logits).log_prob(target)
    assert torch.allclose(part.distortion(p, x).sum(), exact.sum())


@pytest.mark.parametrize("shape", SHAPES)
def test_multinomial_drops_the_coefficient_only(shape):
    p = params(Multinomial(), shape)
    x = torch.randint(4, p.shape).double()
    for logits, counts, got in zip(p.flatten(1), x.flatten(1), Multinomial().distortion(p, x).flatten(1), strict=True):
        total = int(counts.sum())
        coefficient = math.lgamma(total + 1) - (counts + 1).lgamma().sum()
        assert torch.allclose(got.sum() - coefficient, -laws.Multinomial(total, logits=logits).log_prob(counts))


def test_multinomial_mean_and_sample_are_for_a_total_of_one():
    p = params(Multinomial(), (4, 3))
    assert torch.allclose(Multinomial().mean(p).sum((1, 2)), torch.ones(6).double())
    assert torch.equal(Multinomial().sample(p).sum((1, 2)), torch.ones(6).double())


def test_mixed_is_its_groups_side_by_side():
    p, x = params(MIXED, (8,)), torch.rand(6, 8).double()
    assert MIXED.shape((8,)) == (10,)
    got = MIXED.distortion(p, x)
    assert torch.equal(got[:, :1], SquaredError().distortion(p[:, :1], x[:, :1]))
    assert torch.equal(got[:, 1:4], Categorical(3).distortion(p[:, 1:4], x[:, 1:4]))
    assert torch.equal(got[:, 4:6], Gaussian().distortion(p[:, 4:8], x[:, 4:6]))
    assert torch.equal(got[:, 6:], Bernoulli().distortion(p[:, 8:], x[:, 6:]))
    assert torch.equal(MIXED.mean(p)[:, 4:6], p[:, 4:6])


def test_domains_tell_the_readers_what_a_column_may_hold():
    assert {type(part).__name__: part.domains(1)[0] for part in PARTS} == {
        "SquaredError": "real",
        "Auto": "real",
        "Clipped": "real",
        "Laplace": "real",
        "Gaussian": "real",
        "SharedGaussian": "real",
        "LogisticMixture": "real",
        "DiscretizedLogistic": "unit",
        "Poisson": "counts",
        "NegativeBinomial": "counts",
        "ZeroInflated": "counts",
        "Bernoulli": "unit",
        "Categorical": "one-hot",
        "Multinomial": "counts",
    }
    assert MIXED.domains(8) == ("real", *["one-hot"] * 3, "real", "real", "unit", "unit")


@pytest.mark.parametrize(
    ("part", "shape", "words"),
    [
        (Categorical(3), (8,), "'classes' of Categorical must divide the number of channels, 8; got 3"),
        (Categorical(2), (3, 8, 8), "number of channels, 3; got 2"),
        (MIXED, (9,), "add up to the columns of a table"),
        (MIXED, (5, 8), "add up to the columns of a table"),
        (Mixed((Laplace(),), (1, 2)), (3,), "each of the 1 likelihoods"),
        (Mixed((Categorical(2),), (3,)), (3,), "number of channels, 3; got 2"),
        (
            Clipped((0.0, 0.0), (1.0, 1.0)),
            (3, 8, 8),
            "'low' of Clipped must hold 1 bound, or 3, .*; got 2",
        ),
        (Clipped((0.0,), (1.0,) * 4), (3,), "'high' of Clipped must hold 1 bound, or 3, one per channel; got 4"),
        (Clipped((0.0,), (1.0,) * 3), (3,), "'low' of Clipped must hold as many bounds as 'high', 3; got 1"),
        (Clipped((0.0, 1.0), (1.0, 1.0)), (5, 2), "'low' of Clipped must lie below"),
        (Clipped((2.0,), (1.0,)), (4,), "'low' of Clipped must lie below"),
        (Clipped((), ()), (4,), "'low' of Clipped must hold 1 bound"),
    ],
    ids=str,
)
def test_what_does_not_fit_the_shape_says_why(part, shape, words):
    with pytest.raises(ParameterError, match=words):
        part.shape(shape)


def test_equations_hold_the_knobs():
    assert Categorical(5).equation().endswith("in blocks of 5")
    assert Mixed((SquaredError(), Laplace()), (2, 3)).equation() == "[½‖x − D(z)‖²]1…2 + [‖x − D(z)‖₁]3…5"
