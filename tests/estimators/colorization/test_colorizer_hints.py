"""Hints: a colour told at one place spreads over a world in which each image has one colour that nothing else tells."""

import numpy as np
import pandas as pd
import pytest
import torch

from diabolo import Colorizer, Recipe, Training
from diabolo.colour import CHROMA, shown, to_lab, to_rgb
from diabolo.errors import DataError
from diabolo.estimators.colorization.hints import hint_maps, spots
from diabolo.likelihoods import Chromatic
from diabolo.nets import ResUNet

SIZE = 16


def plain(count=64, seed=0):
    """Images of one colour each, which their lightness does not tell, (N, 3, 16, 16), and their a and b."""
    draw = np.random.default_rng(seed)
    turn = draw.uniform(0, 2 * np.pi, count)
    ab = 35 * np.stack([np.cos(turn), np.sin(turn)], 1)
    light = draw.uniform(55, 70, (count, 1, SIZE, SIZE))
    lab = np.concatenate([light, np.broadcast_to(ab[:, :, None, None], (count, 2, SIZE, SIZE))], 1)
    return to_rgb(shown(torch.from_numpy(lab))).numpy(), ab


def colour(images):
    return to_lab(torch.from_numpy(images))[:, 1:].mean((2, 3)).numpy()


@pytest.fixture(scope="module")
def fitted():
    recipe = Recipe(ResUNet((8, 16, 24), blocks=1, fold=1, bias=True), likelihood=Chromatic())
    training = Training(steps=150, batch_size=32, learning_rate=1e-2, validation=0.0)
    return Colorizer(8, recipe=recipe, training=training, hints=0.8, random_state=0, device="cpu").fit(plain()[0])


def test_points_may_be_a_frame_and_must_be_numbers(fitted):
    X, points = plain(2, seed=1)[0], [(0, 3, 2, 1.0, 0.0, 0.0), (1, 5, 5, 0.0, 1.0, 0.0)]
    by_frame = fitted.transform(X, hints=pd.DataFrame(points, columns=list("iyxrgb")))
    assert np.array_equal(by_frame, fitted.transform(X, hints=points))
    for wrong in (["red"], [(0, 3, 2, "r", "g", "b")], [None]):
        with pytest.raises(DataError, match=r"hints must be points \(i, y, x, r, g, b\) inside"):
            fitted.transform(X, hints=wrong)


def test_a_hint_spreads_over_what_belongs_together(fitted):
    X, ab = plain(12, seed=1)
    known = np.full(X.shape, np.nan)
    known[:, :, 6:10, 6:10] = X[:, :, 6:10, 6:10]
    made = [fitted.transform(X, hints=hints)[:, :, :, 10:] for hints in (None, known)]  # beside the hint
    without, with_hints = (np.linalg.norm(colour(each) - ab, axis=1) for each in made)
    assert without.mean() > 25  # nobody can know
    assert with_hints.mean() < 0.75 * without.mean()
    point = fitted.transform(X, hints=[(i, 8, 8, *X[i, :, 8, 8]) for i in range(12)])[:, :, :, 10:]
    assert (np.linalg.norm(colour(point) - ab, axis=1) < without).all()


def test_points_arrays_and_masks_say_the_same(fitted):
    X, _ = plain(3, seed=2)
    known = np.full(X.shape, np.nan)
    known[:, :, 4, 6] = X[:, :, 4, 6]
    points = [(i, 4, 6, *X[i, :, 4, 6]) for i in range(3)]
    wanted = fitted.transform(X, hints=known)
    assert np.abs(wanted - fitted.transform(X)).max() > 0.01
    masked = np.ma.masked_array(np.nan_to_num(known), np.isnan(known))
    for hints in (points, np.array(points), torch.from_numpy(known), list(known), masked):
        np.testing.assert_array_equal(fitted.transform(X, hints=hints), wanted)


def test_an_image_without_a_hint_is_as_before(fitted):
    X, _ = plain(2, seed=3)
    made, before = fitted.transform(X, hints=[(1, 3, 3, *X[1, :, 3, 3])]), fitted.transform(X)
    np.testing.assert_allclose(made[0], before[0], atol=1e-6)
    assert np.abs(made[1] - before[1]).max() > 0.01


def test_hints_are_in_units_of_the_images(fitted):
    X = (255 * plain(1, seed=4)[0]).round().astype(np.uint8)
    point = [0, 5, 5, 200, 100, 50]
    made = fitted.transform(X, hints=[point])
    deep = fitted.transform(X.astype(np.uint16) * 257, hints=[[*point[:3], *(257 * v for v in point[3:])]])
    np.testing.assert_allclose(deep / 257, made, atol=1)


def test_the_net_sees_the_mean_of_what_is_known_of_four_pixels():
    image = np.zeros((3, 3, 5))
    red, blue = [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]
    (seen,) = hint_maps([(0, 0, 0, *red), (0, 1, 1, *blue), (0, 2, 4, *red)], [image])
    assert seen.shape == (3, 2, 3)
    assert seen[2].tolist() == [[1, 0, 0], [0, 0, 1]]
    a, b = (to_lab(torch.tensor(c).view(3, 1, 1))[1:].flatten() / CHROMA for c in (red, blue))
    torch.testing.assert_close(seen[:2, 0, 0], (a + b) / 2)
    torch.testing.assert_close(seen[:2, 1, 2], a)
    assert seen[:2, 0, 1:].abs().max() == 0


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_share_of_the_images_has_hints_in_training(share):
    torch.manual_seed(0)
    drawn = spots(1000, (10, 12), share)
    assert drawn.shape == (1000, 1, 10, 12)
    assert set(drawn.unique().tolist()) <= {0.0, 1.0}
    assert drawn.amax((1, 2, 3)).mean() == pytest.approx(share, abs=0.05)
    if share:
        parts = drawn[drawn.amax((1, 2, 3)) > 0].mean((1, 2, 3))
        assert parts.min() < 0.02  # a single place
        assert parts.max() > 0.3


@pytest.mark.parametrize(
    ("hints", "words"),
    [
        ([(0, 1, 99, 0, 0, 0)], r"points \(i, y, x, r, g, b\) inside the 2 image\(s\)"),
        ([(2, 1, 1, 0, 0, 0)], "inside the 2 image"),
        ([(0, 1.5, 1, 0, 0, 0)], "inside the 2 image"),
        ([(0, -1, 1, 0, 0, 0)], "inside the 2 image"),
        ([(0, 1, 1)], "inside the 2 image"),
        ([(0, 1, 1, 0, 0, 255)], "in the units of X, from 0 to 1 for float64; got 255"),
        (np.full((2, 3, 4, 4), np.nan), "for each image of X, NaN where unknown"),
        (np.full((2, 3, SIZE, SIZE), 7.0), "in the units of X"),
    ],
    ids=["column", "image", "between", "before", "short", "beyond white", "sizes", "array beyond white"],
)
def test_hostile_hints_are_refused(fitted, hints, words):
    with pytest.raises(DataError, match=words):
        fitted.transform(plain(2)[0], hints=hints)
