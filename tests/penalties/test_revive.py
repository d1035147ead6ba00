"""The second chance of dead latents, where a likelihood has other numbers than a sample."""

from typing import Any

import pytest
import torch

from diabolo.flow import Batch
from diabolo.latents import TopK
from diabolo.likelihoods import Binned, Gaussian, LogisticMixture, SharedGaussian, SquaredError
from diabolo.model import Recipe
from diabolo.nets.atoms import Atoms
from diabolo.penalties import Revive


def built(likelihood, shape) -> Any:
    torch.manual_seed(0)
    return Recipe(Atoms(), TopK(2, positive=True), likelihood, penalties=(Revive(k=3),)).build(shape, 8)


def revived(model, x):
    """Return the penalty on x, where all latents but the first count as dead."""
    model.critics["revive"].since.copy_(1000.0 * (torch.arange(8) > 0))
    return model(Batch(x)).penalties["revive"]


@pytest.mark.parametrize(
    "likelihood, shape",
    [
        (SharedGaussian(), (1, 4, 4)),
        (Gaussian(), (3, 4, 4)),
        (LogisticMixture(order=1), (6, 2)),
        (Binned((2, 3)), (7,)),
    ],
    ids=str,
)
def test_it_works_for_params_of_other_numbers_than_samples(likelihood, shape):
    x = torch.rand(5, *shape)
    model = built(likelihood, shape)
    penalty = revived(model, x)
    assert penalty.shape == (5,)
    penalty.sum().backward()
    slope = model.get_parameter("decoder.weight").grad
    assert slope is not None
    assert slope[1:].abs().sum() > 0


def test_of_a_mean_beside_a_variance_the_mean_counts():
    """With the weights of the mean it is what it is of the mean alone."""
    x = torch.rand(5, 1, 4, 4)
    both, alone = (built(likelihood, (1, 4, 4)) for likelihood in (SharedGaussian(), SquaredError()))
    both.decoder.unit = alone.decoder.unit = False
    with torch.no_grad():
        for name, part in (("encoder.weight", ...), ("encoder.bias", ...), ("decoder.weight", (..., slice(16)))):
            alone.get_parameter(name).copy_(both.get_parameter(name)[part])
    torch.testing.assert_close(revived(both, x), revived(alone, x))
