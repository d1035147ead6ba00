import numpy as np
import pytest
import torch

from diabolo.data import Scaling
from diabolo.estimators.denoising.lesson import Lesson
from diabolo.estimators.denoising.noise import Noise, level
from diabolo.flow import Batch

UNIT = Scaling(np.zeros((1, 1, 1)), np.ones((1, 1, 1)))
PAIR = Scaling(np.zeros((2, 1, 1)), np.ones((2, 1, 1)))
SERIES = Scaling(np.zeros(2), np.ones(2))


def noise(samples: np.ndarray) -> Noise:
    return Noise.of(list(samples))


def wanted(batch: Batch) -> torch.Tensor:
    assert batch.target is not None
    return batch.target


def test_neighbours_are_two_pixels_of_each_square_side_by_side():
    rows, columns = torch.meshgrid(torch.arange(6.0), torch.arange(8.0), indexing="ij")
    batch = Lesson("neighbours")(PAIR, torch.stack([rows, columns]).expand(50, 2, 6, 8))
    a, b = batch.x, wanted(batch)
    assert a.shape == b.shape == (50, 2, 3, 4)
    assert ((a - b).abs().sum(1) == 1).all()  # one step along one axis
    for part in (a, b):  # each within its square, and every place of it as often
        assert torch.equal(part[:, 0] // 2, rows[::2, ::2].expand(50, 3, 4) // 2)
        assert torch.equal(part[:, 1] // 2, columns[::2, ::2].expand(50, 3, 4) // 2)
        assert (part % 2).mean() == pytest.approx(0.5, abs=0.06)


def test_neighbours_of_odd_sizes_and_series():
    assert Lesson("neighbours")(UNIT, torch.zeros(2, 1, 5, 7)).x.shape == (2, 1, 2, 3)
    steps = torch.arange(9.0)[None, :, None].expand(3, 9, 2)
    batch = Lesson("neighbours")(SERIES, steps)
    assert ((batch.x - wanted(batch)).abs() == 1).all()
    assert torch.equal(batch.x[..., 0], batch.x[..., 1])  # all channels of a step go together


def test_recorrupted_noise_of_what_is_seen_and_wanted_is_independent():
    torch.manual_seed(0)
    noise = 0.2 * torch.randn(20, 1, 100, 100)
    batch = Lesson("recorrupted", 0.2)(UNIT, noise)  # of an image that is 0
    assert (batch.x * wanted(batch)).mean().abs() < 3e-4
    assert batch.x.std() == pytest.approx(0.2 * 1.25**0.5, rel=0.01)


def test_pairs_are_split():
    batch = Lesson("pairs")(UNIT, torch.stack([torch.zeros(3, 4), torch.ones(3, 4)]).expand(5, 2, 3, 4))
    assert (batch.x == 0).all()
    assert (wanted(batch) == 1).all()


@pytest.mark.parametrize("size", [(1, 64, 64), (3, 64, 64), (500, 2)], ids=str)
def test_plain_noise_is_even_and_independent(size):
    draw = np.random.default_rng(0)
    found = noise(0.3 * draw.normal(size=(20, 1, *size)))
    assert found.level == pytest.approx(0.3, rel=0.05)
    assert found.even
    assert found.independent


def test_noise_that_is_not():
    draw = np.random.default_rng(0)
    white = draw.normal(size=(20, 1, 1, 64, 64))
    light = np.linspace(0.1, 1, 64)

    assert not noise(draw.poisson(20 * light, white.shape) / 20).even
    assert not noise(white * np.linspace(0.5, 2, 20)[:, None, None, None, None]).even
    assert not noise(white + np.roll(white, 1, -1)).independent
    assert not noise(np.zeros((3, 1, 1, 64, 64))).independent
    assert not noise(white[..., :8, :8]).independent  # too small to tell


def test_the_level_of_tiny_samples_is_not_told():
    assert level(np.ones((4, 1, 2, 2))).tolist() == [0, 0, 0, 0]
