"""Values of which some are missing: what is not there costs nothing, that it is not there does."""

import pytest
import torch

from diabolo.errors import ParameterError
from diabolo.likelihoods import Bernoulli, Gaussian, Laplace, Observed, SquaredError

SHAPES = [(4,), (5, 3), (3, 4, 2)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("of", [Gaussian(), Laplace(), Observed()], ids=str)
def test_shapes(of, shape):
    part = Observed(of)
    params, x = torch.randn(6, *part.shape(shape)), torch.rand(6, *shape).round()
    for found in (part.distortion(params, x), part.mean(params), part.sample(params)):
        assert found.shape == x.shape
    assert len(part.domains(4)) == 4
    assert part.domains(4)[-1] == "unit"


def test_what_is_there_costs_what_it_would_alone_and_what_is_not_costs_nothing():
    part, params = Observed(SquaredError(0.5)), torch.tensor([[1.0, 2.0, 0.3]])
    here, gone = torch.tensor([[3.0, 3.0, 0.0]]), torch.tensor([[3.0, 3.0, 1.0]])
    alone = SquaredError(0.5).distortion(params[:, :2], here[:, :2])
    torch.testing.assert_close(part.distortion(params, here)[:, :2], alone)
    assert part.distortion(params, gone)[:, :2].tolist() == [[0, 0]]
    for x in (here, gone):
        torch.testing.assert_close(part.distortion(params, x)[:, 2:], Bernoulli().distortion(params[:, 2:], x[:, 2:]))


def test_what_is_missing_teaches_nothing():
    params = torch.zeros(1, 3, requires_grad=True)
    (slope,) = torch.autograd.grad(Observed().distortion(params, torch.tensor([[9.0, 1.0]])).sum(), params)
    assert slope[0, :2].tolist() == [0, 0]
    assert slope[0, 2] < 0


def test_indicators_are_drawn_as_often_as_they_are_probable():
    torch.manual_seed(0)
    drawn = Observed().sample(torch.tensor([[5.0, -30.0, -1.0]]).expand(5000, -1))
    assert drawn[:, 0].mean() == pytest.approx(5.0, abs=0.02)
    assert drawn[:, 1].mean() == pytest.approx(torch.tensor(-1.0).sigmoid().item(), abs=0.03)


@pytest.mark.parametrize("shape", [(1,), (5, 1), (1, 4, 4)], ids=str)
def test_an_indicator_alone_is_refused(shape):
    with pytest.raises(ParameterError, match="'likelihood' cannot be Observed for samples of one channel"):
        Observed().shape(shape)
