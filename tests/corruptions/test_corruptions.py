"""Corruptions change the share of elements they say, in the way they say, and nothing else."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from diabolo.corruptions import GaussianNoise, Grayscale, Masking, MaskPatches, SaltAndPepper, SwapNoise
from diabolo.errors import ParameterError

SHAPES = [(8,), (12, 2), (3, 8, 8)]
SHARES = [Masking, SaltAndPepper, SwapNoise, MaskPatches]


def batch(shape, count=400):
    return torch.randn(count, *shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("count", [1, 5])
@pytest.mark.parametrize("part", [GaussianNoise(), *(kind() for kind in SHARES)], ids=str)
def test_shape_dtype_and_input_are_kept(part, shape, count):
    x = batch(shape, count).float()
    before = x.clone()
    part.check_shape(shape)
    seen, hidden = part.corrupt(x)
    assert seen.shape == x.shape
    assert seen.dtype == x.dtype
    assert torch.equal(x, before)
    assert hidden is None or (hidden.shape == x.shape and hidden.dtype == torch.bool)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("part", [GaussianNoise(0.0), *(kind(0.0) for kind in SHARES)], ids=str)
def test_nothing_to_do_is_the_identity(part, shape):
    x = batch(shape, 6)
    assert torch.equal(part.corrupt(x)[0], x)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("kind", [Masking, SaltAndPepper, SwapNoise])
def test_share_is_the_share_of_changed_elements(kind, share, shape):
    torch.manual_seed(0)
    x = batch(shape)
    changed = (kind(share).corrupt(x)[0] != x).double().mean().item()
    tolerance = 5 * math.sqrt(share * (1 - share) / x.numel()) + 2 / len(x)  # an extreme may be set to itself
    assert abs(changed - share) <= tolerance


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.75, 1.0])
def test_share_is_the_share_of_hidden_patches(share, shape):
    torch.manual_seed(0)
    hidden = MaskPatches(share, size=2).corrupt(batch(shape))[1]
    assert hidden is not None
    patches = {1: 4, 2: 6, 3: 16}[len(shape)]
    each = hidden.double().flatten(1).mean(1) * patches
    assert each.min() >= math.floor(share * patches) - 1e-9
    assert each.max() <= math.ceil(share * patches) + 1e-9
    assert abs(each.mean() - share * patches) <= 5 * 0.5 / math.sqrt(400)


def test_masked_elements_are_zero_and_the_others_stay():
    x = batch((8,))
    seen, hidden = Masking(0.5).corrupt(x)
    assert hidden is None
    assert bool(((seen == 0) | (seen == x)).all())


@pytest.mark.parametrize("shape", SHAPES)
def test_salt_and_pepper_are_the_extremes_of_the_channel(shape):
    torch.manual_seed(0)
    x = batch(shape)
    seen, channels = SaltAndPepper(1.0).corrupt(x)[0], 1 if len(shape) == 3 else -1
    x, seen = x.movedim(channels, -1).flatten(0, -2), seen.movedim(channels, -1).flatten(0, -2)
    salt, pepper = seen == x.amax(0), seen == x.amin(0)
    assert bool((salt | pepper).all())
    assert abs(salt.double().mean() - 0.5) < 5 * 0.5 / math.sqrt(x.numel())


def test_swapped_elements_come_from_the_same_column_of_another_row():
    torch.manual_seed(0)
    rows, columns = torch.arange(50.0)[:, None], 1000 * torch.arange(4.0)
    x = rows + columns
    seen = SwapNoise(1.0).corrupt(x)[0]
    assert torch.equal(seen // 1000 * 1000, columns.expand(50, 4))
    assert bool((seen != x).all())
    assert len(((seen - columns)[:, 0] - rows[:, 0]).unique()) > 5  # each element finds its own other row


def test_a_batch_of_one_has_nobody_to_swap_with():
    x = batch((4,), 1)
    assert torch.equal(SwapNoise(1.0).corrupt(x)[0], x)


@settings(max_examples=30, deadline=None)
@given(
    shape=st.one_of(
        st.tuples(st.integers(1, 20)),
        st.tuples(st.integers(1, 20), st.integers(1, 3)),
        st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9)),
    ),
    size=st.integers(1, 8),
    share=st.floats(0, 1),
)
def test_patches_are_whole_and_hidden_means_zero(shape, size, share):
    x = torch.rand(3, *shape) + 1
    seen, hidden = MaskPatches(share, size).corrupt(x)
    assert hidden is not None
    assert torch.equal(seen == 0, hidden)
    assert torch.equal(seen[~hidden], x[~hidden])
    flat = hidden if len(shape) == 1 else hidden[..., 0] if len(shape) == 2 else hidden[:, 0]
    assert torch.equal(hidden, flat if len(shape) == 1 else flat.unsqueeze(-1 if len(shape) == 2 else 1).expand_as(x))
    corners = flat[:, ::size] if len(shape) < 3 else flat[:, ::size, ::size]
    for axis in range(1, flat.ndim):
        corners = corners.repeat_interleave(size, axis).narrow(axis, 0, flat.shape[axis])
    assert torch.equal(flat, corners)


def test_grayscale_is_the_luminance_three_times():
    x = torch.rand(2, 3, 4, 5)
    grey = Grayscale().corrupt(x)[0]
    assert grey.shape == x.shape
    assert torch.allclose(grey[:, 1], torch.einsum("bchw,c->bhw", x, torch.tensor([0.299, 0.587, 0.114])))
    assert torch.equal(grey[:, 0], grey[:, 2])
    assert torch.allclose(Grayscale().corrupt(grey)[0], grey)


@pytest.mark.parametrize("shape", [(3,), (10, 3), (1, 8, 8), (4, 8, 8)])
def test_grayscale_refuses_what_is_no_colour_image(shape):
    Grayscale().check_shape((3, 8, 8))
    with pytest.raises(ParameterError, match=r"Grayscale only for images of shape \(3, H, W\)"):
        Grayscale().check_shape(shape)


@pytest.mark.parametrize("sigma", [0.1, 2.0])
def test_sigma_is_the_standard_deviation_of_the_noise(sigma):
    torch.manual_seed(0)
    x = batch((100,))
    noise = GaussianNoise(sigma).corrupt(x)[0] - x
    assert abs(noise.std() / sigma - 1) < 0.02
    assert abs(noise.mean()) < 0.03 * sigma
