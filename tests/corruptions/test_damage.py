"""Damage that restoration learns from: each knob moves what it names, and signals of every kind are damaged alike."""

import math
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from diabolo.corruptions import BlindNoise, Blur, Chain, Clip, GaussianNoise, MaskPatches, PoissonNoise
from diabolo.errors import ParameterError
from diabolo.model import Recipe
from diabolo.nets import Linear

SHAPES = [(8,), (12, 2), (3, 8, 8)]
EVERY = [BlindNoise(), PoissonNoise(), Clip(-0.5, 0.5), Chain((GaussianNoise(), Clip()))]


@pytest.mark.parametrize(
    ("part", "shape"), [*product(EVERY, SHAPES), *product([Blur(2.0), Chain((Blur(), Clip()))], SHAPES[1:])], ids=str
)
def test_shape_dtype_and_input_are_kept(part, shape):
    for count, dtype in ((1, torch.float32), (5, torch.float64)):
        x = torch.randn(count, *shape, dtype=dtype)
        before = x.clone()
        part.check_shape(shape)
        seen, hidden = part.corrupt(x)
        assert seen.shape == x.shape
        assert seen.dtype == dtype
        assert hidden is None
        assert torch.equal(x, before)
        assert not torch.equal(seen, x)


@pytest.mark.parametrize(("low", "high"), [(0.0, 0.2), (0.5, 0.5), (1.0, 3.0)])
def test_each_sample_has_a_noise_level_of_its_own_between_low_and_high(low, high):
    torch.manual_seed(0)
    x = torch.full((2000, 4, 10, 10), 7.0, dtype=torch.float64)
    noise = BlindNoise(low, high).corrupt(x)[0] - x
    level = noise.flatten(1).std(1)
    error = 5 * high / math.sqrt(2 * 400)  # of a level that is known from 400 numbers
    assert level.min() >= low - error
    assert level.max() <= high + error
    for share in (0.1, 0.25, 0.5, 0.75, 0.9):
        expected = low + share * (high - low)
        assert abs(level.quantile(share).item() - expected) < 0.06 * (high - low) + error / 2
    assert abs(noise.mean().item()) < 0.01 * high


def test_levels_out_of_order_are_refused():
    BlindNoise(0.1, 0.1).check_shape((3,))
    with pytest.raises(ParameterError, match=r"'low' of BlindNoise must not lie above high=0\.1; got 0\.2\."):
        Recipe(corruption=BlindNoise(0.2, 0.1)).build((3,), 1)


@pytest.mark.parametrize("peak", [0.5, 30.0, 1000.0])
def test_peak_is_the_number_of_photons_of_full_brightness(peak):
    torch.manual_seed(0)
    x = torch.tensor([0.25, 1.0, 3.0], dtype=torch.float64).repeat(200_000, 1)
    seen = PoissonNoise(peak).corrupt(x)[0]
    photons = seen * peak
    assert torch.allclose(photons, photons.round(), atol=1e-6)
    assert torch.allclose(seen.mean(0), x[0], rtol=0.02)
    assert torch.allclose(seen.var(0), x[0] / peak, rtol=0.03)


def test_a_negative_number_is_no_brightness():
    assert torch.equal(PoissonNoise(1e6).corrupt(torch.tensor([[-3.0, -1e-9, 0.0]]))[0], torch.zeros(1, 3))


@pytest.mark.parametrize("sigma", [0.3, 1.0, 4.5])
@pytest.mark.parametrize("shape", [(40, 3), (5, 1), (1, 12, 17), (4, 3, 2)])
def test_blur_is_the_gaussian_filter_of_each_channel(sigma, shape):
    x = torch.randn(2, *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    axes = (1,) if len(shape) == 2 else (2, 3)
    expected = gaussian_filter(x.numpy(), sigma, mode="nearest", axes=axes)
    np.testing.assert_allclose(Blur(sigma).corrupt(x)[0], expected, atol=1e-12)


@pytest.mark.parametrize("shape", [(5, 3), (2, 4, 6)])
def test_no_width_blurs_nothing_and_a_great_one_leaves_what_is_even(shape):
    x = torch.rand(3, *shape, dtype=torch.float64)
    for sigma in (0.0, 1e-300, 0.1):
        assert torch.equal(Blur(sigma).corrupt(x)[0], x)
    even = torch.full((1, *shape), 0.7, dtype=torch.float64)
    assert torch.allclose(Blur(500.0).corrupt(even)[0], even)


def test_tables_have_no_neighbours_to_blur():
    Blur().check_shape((5, 3))
    Blur().check_shape((3, 5, 3))
    with pytest.raises(ParameterError, match=r"may be Blur only for series \(T, C\) and images .* shape \(30,\)"):
        Recipe(corruption=Blur()).build((30,), 2)


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-2.0, 0.5)])
def test_clip_cuts_at_both_bounds_and_leaves_what_is_between(low, high):
    x = torch.linspace(-3, 3, 61, dtype=torch.float64)[None]
    seen = Clip(low, high).corrupt(x)[0]
    assert seen.min() == low
    assert seen.max() == high
    inside = (x >= low) & (x <= high)
    assert torch.equal(seen[inside], x[inside])


@pytest.mark.parametrize("low", [1.0, 2.0])
def test_bounds_out_of_order_are_refused(low):
    with pytest.raises(ParameterError, match=rf"'low' of Clip must lie below high=1\.0; got {low}\."):
        Recipe(corruption=Clip(low)).build((3,), 1)


def test_a_chain_is_its_parts_one_after_another():
    x, parts = torch.rand(4, 1, 8, 8), (Blur(1.5), PoissonNoise(20.0), GaussianNoise(0.1), Clip())
    torch.manual_seed(3)
    expected = x
    for part in parts:
        expected = part.corrupt(expected)[0]
    torch.manual_seed(3)
    assert torch.equal(Chain(parts).corrupt(x)[0], expected)
    reverse = Chain(parts[::-1]).corrupt(x)[0]
    assert expected.min() == 0 < reverse.min()  # noise that is blurred last is not clipped to 0 any more


def test_no_parts_change_nothing():
    x = torch.rand(2, 3)
    seen, hidden = Chain().corrupt(x)
    assert torch.equal(seen, x)
    assert hidden is None


@pytest.mark.parametrize("after", [(), (GaussianNoise(),)], ids=str)
def test_hidden_is_what_any_part_has_hidden(after):
    x = torch.rand(50, 4, 4) + 1
    torch.manual_seed(1)
    first, second = (MaskPatches(0.5, size=1).corrupt(x)[1] for _ in range(2))
    torch.manual_seed(1)
    hidden = Chain((Clip(-9.0, 9.0), MaskPatches(0.5, size=1), MaskPatches(0.5, size=1), *after)).corrupt(x)[1]
    assert first is not None
    assert second is not None
    assert hidden is not None
    assert torch.equal(hidden, first | second)
    assert not torch.equal(first, second)


def test_a_chain_asks_each_of_its_parts():
    with pytest.raises(ParameterError, match="'sigma' of GaussianNoise must be a number >= 0; got -1"):
        Chain((Clip(), GaussianNoise(-1))).check()
    with pytest.raises(ParameterError, match="only for series"):
        Chain((Clip(), Chain((Blur(),)))).check_shape((3,))
    with pytest.raises(ParameterError, match="'low' of Clip must lie below"):
        Chain((GaussianNoise(), Clip(2.0))).check_shape((3,))


def test_a_knob_inside_a_chain_has_a_path():
    recipe = Recipe(Linear(), corruption=Chain((GaussianNoise(0.5), Clip())))
    assert recipe.get_params()["corruption__parts__0__sigma"] == 0.5
    model = recipe.build((4,), 2)
    model.revise("corruption.parts.0.sigma", 0.0)
    x = torch.rand(6, 4)
    assert torch.equal(model.corrupt(x)[0], x)


def test_a_chain_tells_its_formulas_in_order():
    assert Chain((GaussianNoise(0.5), Clip())).equation() == "x̃ = x + 0.5·ε; then x̃ = min(max(x, 0), 1)"


@settings(max_examples=30, deadline=None)
@given(
    shape=st.one_of(
        st.tuples(st.integers(1, 9), st.integers(1, 3)),
        st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9)),
    ),
    sigma=st.floats(0, 50),
    scale=st.floats(1e-3, 1e3),
)
def test_a_blurred_signal_stays_within_its_range(shape, sigma, scale):
    x = scale * torch.rand(2, *shape, dtype=torch.float64)
    seen = Blur(sigma).corrupt(x)[0]
    assert seen.min() >= x.min() - 1e-9 * scale
    assert seen.max() <= x.max() + 1e-9 * scale
