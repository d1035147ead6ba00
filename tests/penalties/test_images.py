"""The penalty on structure: known values, and what its weight moves."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from diabolo.conditioning import Told
from diabolo.errors import ParameterError
from diabolo.flow import Batch, Code, Output
from diabolo.latents import L2
from diabolo.model import Recipe
from diabolo.nets import MLP, Conv
from diabolo.penalties import Similarity, Smooth
from diabolo.penalties.similarity import similarity
from diabolo.training import Rows, Training, train


def stripes(count=200, size=16):
    """Images (count, 1, 16, 16) of stripes, in [0, 1]."""
    draw = torch.Generator().manual_seed(0)
    turn, phase = torch.rand(2, count, 1, 1, generator=draw) * 3.1416
    y, x = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    return (0.5 + 0.5 * torch.sin(x * turn.cos() + y * turn.sin() + 2 * phase))[:, None]


def test_it_is_the_formula_of_the_paper():
    a, b = stripes(2).double()[:1], stripes(2).double()[1:]

    def blurred(image):  # of windows that lie within the image: their middle
        return gaussian_filter(image[0, 0].numpy(), 1.5, truncate=5 / 1.5)[5:-5, 5:-5]

    x, y, xx, yy, xy = map(blurred, (a, b, a * a, b * b, a * b))
    c1, c2 = 1e-4, 9e-4
    wanted = (2 * x * y + c1) * (2 * (xy - x * y) + c2)
    wanted /= (x * x + y * y + c1) * (xx - x * x + yy - y * y + c2)
    np.testing.assert_allclose(similarity(a, b), [wanted.mean()], rtol=1e-9)


@pytest.mark.parametrize("scales", [1, 2])
def test_it_is_1_for_equal_images_less_for_noise_and_least_for_their_negative(scales):
    a = stripes(size=24)
    noisy = (a + 0.2 * torch.randn(a.shape, generator=torch.Generator().manual_seed(1))).clamp(0, 1)
    same, less, least = (float(similarity(a, b, 11, scales).mean()) for b in (a, noisy, 1 - a))
    assert same == pytest.approx(1)
    assert 0.2 < less < 0.95
    assert least < 0


def fitted(penalties, net, latent=None, epochs=60):
    x = stripes()
    torch.manual_seed(0)
    recipe = Recipe(net, penalties=penalties) if latent is None else Recipe(net, latent, penalties=penalties)
    model = recipe.build((1, 16, 16), 6)
    train(model, Rows(x, lambda x: x), None, Training(epochs=epochs, batch_size=50))
    return model, x


def test_more_weight_keeps_more_structure():
    found = []
    for weight in (0.0, 3.0):
        model, x = fitted((Similarity(weight, window=7),), Conv(channels=(8, 8)), epochs=20)
        with torch.no_grad():
            found.append(float(similarity(x, model.reconstruct(x), 7).mean()))
    assert found[1] > found[0] + 0.01


def test_samples_that_are_no_images_or_too_small_are_refused():
    with pytest.raises(ParameterError, match=r"for images of 11 x 11 pixels or more; got samples of shape \(30,\)"):
        Recipe(penalties=(Similarity(),)).build((30,), 4)
    with pytest.raises(ParameterError, match="for images of 44 x 44 pixels or more"):
        Recipe(penalties=(Similarity(scales=3),)).build((1, 28, 28), 4)


def test_smooth_lowers_the_slope_of_the_decoder():
    slopes = []
    for weight in (0.0, 1.0, 10.0):
        model, x = fitted((Smooth(weight),), MLP(hidden=(32,)), L2(0.1))
        with torch.no_grad():
            z = model.encode(x).mean
        slope = [torch.autograd.functional.jacobian(model.decode, each[None], vectorize=True).norm() for each in z[:20]]
        slopes.append(float(torch.stack(slope).mean()))
    assert slopes[0] > slopes[1] > slopes[2]


def test_smooth_is_unbiased():
    torch.manual_seed(0)
    model = Recipe(MLP(hidden=(8,)), penalties=(Smooth(2.0),)).build((5,), 3).double()
    z = torch.randn(1, 3, dtype=torch.float64)
    exact = 2 * float(torch.autograd.functional.jacobian(model.decode, z).square().sum())
    x, free = torch.zeros(20_000, 5, dtype=torch.float64), torch.zeros(20_000, dtype=torch.float64)
    codes = z.expand(20_000, 3)
    with torch.no_grad():
        found = Smooth(2.0).penalty(Told(model, None), Batch(x), Output(x, Code(codes, codes, free), x, free, free))
    assert float(found.mean()) == pytest.approx(exact, rel=0.03)


def test_more_cost_shortens_codes():
    lengths = []
    for weight in (0.0, 0.1, 10.0):
        model, x = fitted((), MLP(hidden=(32,)), L2(weight))
        with torch.no_grad():
            lengths.append(float(model.encode(x).mean.square().sum(1).mean()))
    assert lengths[0] > lengths[1] > lengths[2]
