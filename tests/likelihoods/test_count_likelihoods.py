"""Counts: exact with all constants, in float32 and for large numbers too; knobs and params mean what they say."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import distributions as laws

from diabolo import Reducer
from diabolo.data import Scaling
from diabolo.errors import DataError, ParameterError
from diabolo.flow import Batch
from diabolo.latents import Gaussian
from diabolo.likelihoods import Mixed, Multinomial, NegativeBinomial, Poisson, SquaredError, ZeroInflated
from diabolo.model import Recipe
from diabolo.nets import MLP

PARTS = [Poisson(), NegativeBinomial(), ZeroInflated(), ZeroInflated(NegativeBinomial())]
every = pytest.mark.parametrize("part", PARTS, ids=str)
logs = st.floats(-3, 3)
wild = st.lists(st.floats(-1e4, 1e4, width=32), min_size=3, max_size=3)


def asked(log):
    """Return the param whose bent value is `log`."""
    return 20 * math.atanh(log / 20)


def asked_all(log):
    return 20 * (log / 20).atanh()


def params(part, *logs, dtype=torch.float64):
    """Return the params (1, ·) of one count; those that `part` does not have are left out."""
    zero = isinstance(part, ZeroInflated)
    own = 2 if isinstance(part.of if zero else part, NegativeBinomial) else 1
    said = [asked(log) for log in logs[:own]]
    return torch.tensor([[*said, logs[2]] if zero else said], dtype=dtype)


def cost(part, p, counts):
    x = torch.as_tensor(counts, dtype=p.dtype).view(-1, 1)
    return part.distortion(p.expand(len(x), -1), x).flatten()


@every
@settings(max_examples=30, deadline=None)
@given(log_mean=st.floats(-3, 2.5), log_dispersion=st.floats(-9, 0.5), logit=logs)
def test_the_support_sums_to_one(part, log_mean, log_dispersion, logit):
    p = params(part, log_mean, log_dispersion, logit)
    probabilities = (-cost(part, p, range(2000))).exp()
    assert probabilities.sum().item() == pytest.approx(1, abs=1e-9)
    assert (probabilities @ torch.arange(2000.0).double()).item() == pytest.approx(part.mean(p).item(), abs=1e-6)


@settings(max_examples=50, deadline=None)
@given(log_mean=logs, log_dispersion=logs, logit=logs, x=st.integers(0, 1000))
def test_exact_with_all_constants(log_mean, log_dispersion, logit, x):
    count, mean, r = torch.tensor([x]).double(), math.exp(log_mean), math.exp(-log_dispersion)
    poisson = laws.Poisson(torch.tensor([mean], dtype=torch.float64))
    scattered = laws.NegativeBinomial(
        torch.tensor([r], dtype=torch.float64), logits=torch.tensor([math.log(mean / r)], dtype=torch.float64)
    )
    for part, law in ((Poisson(), poisson), (NegativeBinomial(), scattered)):
        known = law.log_prob(count)
        got = cost(part, params(part, log_mean, log_dispersion), [x])
        torch.testing.assert_close(got, -known, rtol=1e-9, atol=1e-8)
        zero = 1 / (1 + math.exp(-logit))
        inflated = ((zero if x == 0 else 0) + (1 - zero) * known.exp()).log()
        got = cost(ZeroInflated(part), params(ZeroInflated(part), log_mean, log_dispersion, logit), [x])
        assert torch.allclose(got, -inflated) or known < -600  # beyond, the reference is 0


@pytest.mark.parametrize("log_dispersion", [-15.0, -6.0, 0.0, 6.0])
@pytest.mark.parametrize("mean", [0.01, 1.0, 300.0, 1e6])
@pytest.mark.parametrize("part", [Poisson(), NegativeBinomial()], ids=str)
def test_float32_is_enough(part, mean, log_dispersion):
    """Naively summed, the terms of a count of a million are wrong by whole nats."""
    p = params(part, math.log(mean), log_dispersion, dtype=torch.float32)
    x = torch.poisson(torch.full((50,), mean), generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(cost(part, p, x).double(), cost(part, p.double(), x), rtol=1e-4, atol=5e-4)


@every
@settings(max_examples=50, deadline=None)
@given(said=wild, x=st.one_of(st.integers(0, 9), st.integers(0, 10**7)))
def test_gradients_are_finite_at_extremes(part, said, x):
    width = part.shape((1,))[0]
    p = torch.tensor([said[:width]], requires_grad=True)
    got = part.distortion(p, torch.tensor([[float(x)]]))
    got.sum().backward()
    assert p.grad is not None
    assert bool(got.isfinite().all() and p.grad.isfinite().all() and part.mean(p).isfinite().all())
    assert got.item() >= -1e-4  # no count is more than certain


@settings(max_examples=50, deadline=None)
@given(x=st.integers(1, 10**6), away=st.floats(-4, 4), log_dispersion=logs)
def test_the_count_itself_is_the_best_mean(x, away, log_dispersion):
    for part in (Poisson(), NegativeBinomial()):
        best = cost(part, params(part, math.log(x), log_dispersion), [x])
        assert best <= cost(part, params(part, math.log(x) + away, log_dispersion), [x]) + 1e-9


def test_counts_scatter_as_the_dispersion_says():
    torch.manual_seed(0)
    part = NegativeBinomial()
    for log_dispersion in (-3.0, -1.0, 0.5):
        mean, variance = 5.0, 5.0 + math.exp(log_dispersion) * 25
        drawn = part.sample(params(part, math.log(mean), log_dispersion).expand(100_000, -1))
        assert torch.equal(drawn, drawn.round())
        assert drawn.mean().item() == pytest.approx(mean, rel=0.03)
        assert drawn.var().item() == pytest.approx(variance, rel=0.06)


def test_without_dispersion_it_is_poisson():
    p, x = params(NegativeBinomial(), 1.5, -19.9), range(40)
    torch.testing.assert_close(cost(NegativeBinomial(), p, x), cost(Poisson(), p[:, :1], x), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("of", [Poisson(), NegativeBinomial()], ids=str)
def test_zeros_are_as_many_as_said(of):
    torch.manual_seed(0)
    part = ZeroInflated(of)
    p = params(part, math.log(4), -1.0, math.log(0.3 / 0.7))
    drawn = part.sample(p.expand(100_000, -1))
    plain = (-cost(of, p[:, :-1], [0])).exp().item()
    assert (drawn == 0).float().mean().item() == pytest.approx(0.3 + 0.7 * plain, abs=0.006)
    assert drawn.mean().item() == pytest.approx(0.7 * 4, rel=0.02)
    never = torch.cat([p[:, :-1], torch.tensor([[-800.0]])], 1)
    assert torch.allclose(cost(part, never, range(20)), cost(of, p[:, :-1], range(20)))


@pytest.mark.parametrize(
    ("part", "truth"),
    [
        (Poisson(), (1.2,)),
        (NegativeBinomial(), (1.2, -0.5)),
        (ZeroInflated(), (1.2, 0.0, -0.4)),
        (ZeroInflated(NegativeBinomial()), (2.0, -1.0, -0.4)),
    ],
    ids=str,
)
def test_learning_finds_the_truth(part, truth):
    torch.manual_seed(0)
    known = params(part, *truth)
    drawn = part.sample(known.expand(20_000, -1))
    learned = torch.zeros_like(known).requires_grad_()
    newton = torch.optim.LBFGS([learned], max_iter=50, line_search_fn="strong_wolfe")

    def closure():
        newton.zero_grad()
        loss = part.distortion(learned.expand(20_000, -1), drawn).mean()
        loss.backward()
        return loss

    newton.step(closure)
    assert torch.allclose(learned, known, atol=0.1)


@pytest.mark.parametrize("shape", [(6,), (5, 3), (2, 4, 4)], ids=str)
@every
def test_every_element_has_its_own_params(part, shape):
    torch.manual_seed(0)
    axis = 1 if len(shape) == 3 else -1
    p, x = torch.randn(3, *part.shape(shape)), torch.randint(4, (3, *shape)).float()
    got = part.distortion(p, x).movedim(axis, -1)
    channels = x.movedim(axis, -1).shape[-1]
    each = p.movedim(axis, -1)
    for k in range(channels):
        alone = part.distortion(each[..., k::channels].reshape(-1, each.shape[-1] // channels), _column(x, axis, k))
        torch.testing.assert_close(got[..., k].reshape(-1, 1), alone)


def _column(x, axis, k):
    return x.movedim(axis, -1)[..., k].reshape(-1, 1)


@every
def test_a_model_learns_counts(part):
    """Two kinds of rows: a code that tells them apart is worth its nats, beside one Poisson law per column."""
    torch.manual_seed(0)
    rates = torch.tensor([[0.2, 1.0, 3.0, 10.0], [8.0, 2.0, 0.5, 1.0]])[torch.randint(2, (400,))]
    x = torch.poisson(rates)
    model = Recipe(MLP((16,)), Gaussian(), part).build((4,), 1)
    adam = torch.optim.Adam(model.parameters(), 0.01)
    for _ in range(400):
        adam.zero_grad()
        model(Batch(x[:300].log1p(), x[:300])).loss.backward()
        adam.step()
    with torch.no_grad():
        bound = model(Batch(x[300:].log1p(), x[300:])).loss.item()
    columns = asked_all(x[:300].mean(0).log())
    assert bound < Poisson().distortion(columns.expand(100, -1), x[300:]).sum(1).mean().item() - 3


@every
def test_negative_counts_are_refused_in_one_sentence(part):
    words = r"Column 1 must hold counts >= 0 for this likelihood; got -2\. Use likelihood=SquaredError\(\)"
    table = np.array([[0.0, 3.0], [1.0, -2.0], [4.0, 0.0], [2.0, 2.0]])
    with pytest.raises(DataError, match=words):
        Scaling.fit(table, part.domains(2))
    with pytest.raises(DataError, match=words):
        Reducer(1, recipe=Recipe(likelihood=part)).fit(table)


def test_counts_are_left_as_they_are():
    table = np.array([[0.0, 300.0], [7.0, 1.0]])
    scaling = Scaling.fit(table, Poisson().domains(2))
    assert np.array_equal(scaling.tensor(table).numpy(), table)


@pytest.mark.parametrize("of", [Multinomial(), SquaredError(), Mixed((Poisson(),), (3,))], ids=str)
def test_only_single_counts_are_inflated(of):
    with pytest.raises(ParameterError, match=r"'of' of ZeroInflated must be a likelihood of single counts.*got"):
        Recipe(likelihood=ZeroInflated(of)).build((3,), 1)


def test_a_table_may_hold_counts_beside_numbers():
    mixed = Mixed((SquaredError(), ZeroInflated(NegativeBinomial()), Poisson()), (1, 2, 1))
    assert mixed.shape((4,)) == (1 + 6 + 1,)
    assert mixed.domains(4) == ("real", "counts", "counts", "counts")
    p, x = torch.randn(5, 8), torch.randint(3, (5, 4)).float()
    inner = ZeroInflated(NegativeBinomial()).distortion(p[:, 1:7], x[:, 1:3])
    assert torch.equal(mixed.distortion(p, x)[:, 1:3], inner)


def test_equations_name_what_is_inflated():
    assert ZeroInflated().equation().endswith(Poisson().equation())
    assert ZeroInflated(NegativeBinomial()).equation().endswith(NegativeBinomial().equation())
