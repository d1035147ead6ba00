"""Likelihoods that know the step before: probabilities sum to 1, chains are chains, knobs move what they name."""

import itertools
import math

import pytest
import torch
from torch.nn import functional as F

from diabolo.errors import ParameterError
from diabolo.likelihoods import Bernoulli, Categorical, Stepwise, Switching

PARTS = [
    (Stepwise(3, 1), (4, 3)),
    (Stepwise(2, 5), (3, 4)),
    (Switching(), (4, 2)),
    (Stepwise(3), (6,)),
    (Switching(), (3,)),
]
every = pytest.mark.parametrize(("part", "shape"), PARTS, ids=str)


def all_samples(part, shape):
    """Every sample of a shape: all sequences of categories, or of 0 and 1."""
    width = part.classes if isinstance(part, Stepwise) else 2
    count = math.prod(shape) // (width if isinstance(part, Stepwise) else 1)
    words = torch.tensor(list(itertools.product(range(width), repeat=count)))
    return (F.one_hot(words, width) if isinstance(part, Stepwise) else words).double().view(-1, *shape)


@every
def test_probabilities_sum_to_one_and_the_mean_is_theirs(part, shape):
    torch.manual_seed(0)
    x = all_samples(part, shape)
    params = torch.randn(1, *part.shape(shape), dtype=torch.float64).expand(len(x), *part.shape(shape))
    p = (-part.distortion(params, x).flatten(1).sum(1)).exp()
    assert float(p.sum()) == pytest.approx(1)
    torch.testing.assert_close(torch.tensordot(p, x, 1), part.mean(params[:1])[0])


@every
def test_samples_average_to_the_mean(part, shape):
    torch.manual_seed(0)
    params = torch.randn(1, *part.shape(shape), dtype=torch.float64)
    drawn = part.sample(params.expand(20000, *params.shape[1:]))
    assert drawn.dtype == torch.float64
    assert drawn.shape[1:] == shape
    spread = drawn.std(0) / math.sqrt(20000)
    assert bool(((drawn.mean(0) - part.mean(params)[0]).abs() <= 6 * spread + 1e-3).all())


@every
@pytest.mark.parametrize("scale", [1e4, -1e4])
def test_extreme_params_stay_finite(part, shape, scale):
    params = (scale * torch.randn(6, *part.shape(shape)).sign()).requires_grad_()
    distortion = part.distortion(params, part.sample(torch.randn(6, *part.shape(shape))))
    distortion.sum().backward()
    assert params.grad is not None
    for got in (distortion, params.grad, part.mean(params)):
        assert bool(got.isfinite().all())


def test_intervals_make_a_chain():
    part = Stepwise(4, 1)
    stay = math.log(6)
    params = torch.tensor([0.0, 0, 0, 0, 0, stay, 0]).double().expand(1, 3, -1)
    x = F.one_hot(torch.tensor([[2, 2, 3]]), 4).double()
    step = torch.tensor([[math.log(4), math.log(9 / 6), math.log(9)]]).double()
    torch.testing.assert_close(part.distortion(params, x).sum(2), step)
    torch.manual_seed(0)
    drawn = part.sample(params[:, :1].expand(1, 20000, -1)).argmax(2)[0]
    assert float((drawn[1:] == drawn[:-1]).float().mean()) == pytest.approx(6 / 9, abs=0.02)


def test_switches_make_a_chain():
    on, stay = 0.1, 0.8
    params = torch.tensor([math.log(on / (1 - on)), math.log(stay / (1 - stay)) - math.log(on / (1 - on))]).double()
    torch.manual_seed(0)
    drawn = Switching().sample(params.expand(1, 20000, 2))[0, :, 0]
    assert float(drawn.mean()) == pytest.approx(on / (on + 1 - stay), abs=0.02)
    assert float(drawn[1:][drawn[:-1] == 1].mean()) == pytest.approx(stay, abs=0.02)


def test_reach():
    far = F.one_hot(torch.tensor([[0, 3]]), 4).float()
    for reach, gained in ((3, True), (2, False)):
        part = Stepwise(4, reach)
        params = torch.zeros(1, *part.shape((2, 4)))
        plain = part.distortion(params, far).sum()
        params[..., -1] = 5.0  # the longest interval upwards
        assert bool(part.distortion(params, far).sum() < plain) is gained
    assert Stepwise(4, 0).shape((7, 8)) == (7, 10)


def test_a_row_is_a_single_step():
    x, logits = torch.tensor([[0.0, 1.0, 1.0, 0.0]]), torch.randn(1, 4)
    stepwise = torch.cat([logits.view(1, 2, 2), torch.randn(1, 2, 3)], 2).flatten(1)
    torch.testing.assert_close(Stepwise(2, 1).distortion(stepwise, x), Categorical(2).distortion(logits, x))
    switching = torch.cat([logits, torch.randn(1, 4)], 1)
    torch.testing.assert_close(Switching().distortion(switching, x), Bernoulli().distortion(logits, x))


@pytest.mark.parametrize("part", [Stepwise(), Switching()], ids=str)
def test_images_have_no_steps(part):
    with pytest.raises(ParameterError, match=r"for series .* or rows .* only; got samples of shape \(2, 5, 5\)"):
        part.shape((2, 5, 5))


def test_blocks_must_fit():
    with pytest.raises(ParameterError, match="must divide the number of channels, 4"):
        Stepwise(3).shape((7, 4))
