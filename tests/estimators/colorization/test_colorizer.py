"""A world in which texture tells the colour: it is learned, and the lightness of the original is kept."""

import copy
import inspect

import numpy as np
import pytest
import torch
from sklearn.exceptions import NotFittedError
from sklearn.utils import estimator_checks, get_tags

import diabolo
from diabolo import Colorizer, Recipe, Training
from diabolo.colour import shown, to_lab, to_rgb, unit
from diabolo.errors import CapabilityError, DataError, FileError, ParameterError
from diabolo.estimators.colorization import colouring, sight
from diabolo.likelihoods import Bernoulli, Chromatic, SquaredError
from diabolo.metrics import ab_rmse
from diabolo.nets import Conv, ResUNet

NET = ResUNet((8, 16), blocks=1, fold=1, bias=True)
QUICK = Training(steps=60, batch_size=16, learning_rate=1e-2)
ORANGE, BLUE = (30.0, 50.0), (0.0, -40.0)


def rng(seed=0):
    return np.random.default_rng(seed)


def photographs(count=48, size=(16, 16), seed=0):
    """Chessboards are orange, stripes are blue, all of another lightness, (N, 3, *size) in [0, 1]."""
    draw, (y, x) = rng(seed), np.indices(size)
    board = draw.random((count, 1, 1, 1)) < 0.5
    texture = np.where(board, (y + x) % 2, y % 2)
    light = draw.uniform(45, 65, (count, 1, 1, 1)) + 12 * texture + draw.normal(size=(count, 1, *size))
    ab = np.where(board, np.reshape(ORANGE, (1, 2, 1, 1)), np.reshape(BLUE, (1, 2, 1, 1)))
    lab = np.concatenate([light, np.broadcast_to(ab, (count, 2, *size))], 1)
    return to_rgb(shown(torch.from_numpy(lab))).numpy()


def light(images):
    return to_lab(unit(np.asarray(images)).double())[:, 0].numpy()


def grey(images):
    """The lightness of images as grey ones (N, 1, H, W)."""
    lab = to_lab(torch.from_numpy(images))
    lab[:, 1:] = 0
    return to_rgb(lab)[:, :1].numpy()


def quick(**changes):
    settings = {"recipe": Recipe(NET, likelihood=Chromatic()), "training": QUICK, "random_state": 0, "device": "cpu"}
    return Colorizer(8, **(settings | changes))


@pytest.fixture(scope="module")
def fitted():
    return quick().fit(photographs())


def test_what_texture_tells_is_learned(fitted):
    X = photographs(20, seed=1)
    facts = fitted.quality(X)
    assert facts["ab rmse"] < 0.3 * facts["ab rmse, one colour"]
    assert facts["psnr"] > facts["psnr, grey"] + 6
    assert facts["colourfulness"] == pytest.approx(1, abs=0.3)
    assert fitted.score(X) > 0.9
    assert fitted.score(X) == pytest.approx(1 - (facts["ab rmse"] / facts["ab rmse, one colour"]) ** 2)


def test_grey_images_get_the_same_colours_as_the_lightness_of_coloured_ones(fitted):
    X = photographs(6, seed=2)
    np.testing.assert_allclose(fitted.transform(grey(X)), fitted.transform(X), atol=0.02)  # constants are rounded
    assert ab_rmse(X, fitted.transform(grey(X))) < 15


@pytest.mark.parametrize(
    ("dtype", "white", "most"),
    [(np.float64, 1, 2e-3), (np.float32, 1, 2e-3), (np.uint16, 65535, 0.02), (np.uint8, 255, 0.4)],
)
def test_lightness_is_kept_to_the_rounding_of_the_type(fitted, dtype, white, most):
    """Random pixels have colours of any kind, also such as sRGB has not at their lightness."""
    X = white * rng().random((4, 1, 20, 18))
    X = X.astype(dtype) if dtype in (np.float32, np.float64) else X.round().astype(dtype)
    made = fitted.transform(X)
    assert made.shape == (4, 3, 20, 18)
    assert made.dtype == dtype
    where = light(np.repeat(X, 3, 1)) > 5  # in black, a rounded byte is a large step
    assert np.abs(light(made) - light(np.repeat(X, 3, 1)))[where].max() < most


def test_lightness_is_kept_whatever_colour_is_told():
    X = rng().random((2, 1, 16, 16))
    made = coloured_with(X, torch.tensor([5.0, -5.0]).view(1, 2, 1, 1))
    assert np.abs(light(made) - light(np.repeat(X, 3, 1))).max() < 2e-3
    assert ab_rmse(np.repeat(X, 3, 1), made) > 10


def coloured_with(X, ab):
    """Images with one a and b for all, as far as they can be shown."""
    paint = lambda light, hints: ab.expand(len(light), 2, *light.shape[2:])  # noqa: E731
    return np.stack(colouring.coloured(paint, list(X), None))


def test_images_come_back_in_their_form(fitted):
    X = photographs(3, seed=3)
    made = fitted.transform(X)
    tensor = fitted.transform(torch.from_numpy(X))
    assert isinstance(tensor, torch.Tensor)
    np.testing.assert_array_equal(tensor.numpy(), made)
    listed = fitted.transform(list(X))
    assert isinstance(listed, list)
    np.testing.assert_allclose(np.stack(listed), made, atol=1e-6)
    sizes = [x[:, :height, :width] for x, height, width in zip(X, (16, 15, 9), (11, 16, 8), strict=True)]
    assert [x.shape for x in fitted.transform(sizes)] == [(3, 16, 11), (3, 15, 16), (3, 9, 8)]


def test_large_images_are_computed_tile_by_tile_as_the_whole(fitted, monkeypatch):
    X = photographs(1, (150, 131), seed=4)
    whole, seen = fitted.transform(X), []
    monkeypatch.setattr(sight, "_TILE", 400)
    np.testing.assert_allclose(fitted.transform(X, watch=lambda done, all: seen.append((done, all))), whole, atol=1e-5)
    assert seen[-1] == (len(seen), len(seen))
    assert len(seen) > 4


def test_colours_are_chosen_after_the_fit(fitted):
    X = photographs(6, seed=5)
    own = fitted.transform(X)
    other = copy.copy(fitted)
    colour = [other.set_params(balance=balance).quality(X)["colourfulness"] for balance in (0.0, 0.9)]
    assert colour[1] > colour[0]
    sharp, mean = (other.set_params(balance=None, temperature=t).transform(X) for t in (0.0, 1.0))
    assert np.abs(sharp - mean).max() > 0.01
    np.testing.assert_array_equal(fitted.transform(X), own)


@pytest.mark.parametrize("dtype", [np.float64, np.uint8, np.uint16])
def test_of_several_sizes_crops_are_learned_from(dtype):
    white = 1 if dtype == np.float64 else np.iinfo(dtype).max
    X = (white * photographs(12, (20, 24))).astype(dtype)
    sizes = [x[:, : 20 - i % 5, : 24 - i % 7] for i, x in enumerate(X)]
    colorizer = quick(training=QUICK(steps=5)).fit(sizes)
    assert colorizer.shape_ == (7, 7, 7)  # seven eighths of 16, halved
    made = colorizer.transform(sizes)
    assert (made[1].shape, made[1].dtype) == ((3, 19, 23), dtype)


def test_the_same_seed_gives_the_same_colours():
    X = photographs(20)
    made = [quick(training=QUICK(steps=5), random_state=seed).fit(X).transform(X) for seed in (3, 3, 4)]
    np.testing.assert_array_equal(made[0], made[1])
    assert np.abs(made[0] - made[2]).max() > 1e-3


def test_means_can_be_learned_by_squared_error():
    colorizer = quick(recipe=Recipe(NET, likelihood=SquaredError())).fit(photographs())
    assert colorizer.score(photographs(20, seed=1)) > 0.5
    with pytest.raises(ParameterError, match="'temperature' of Colorizer is for the likelihood Chromatic"):
        colorizer.set_params(temperature=0.5).transform(photographs(2))


def test_a_net_of_one_size_takes_that_size():
    colorizer = quick(recipe=Recipe(Conv(channels=(8, 8)), likelihood=Chromatic())).fit(photographs(20)[:, :, :15])
    assert colorizer.transform(photographs(2)[:, :, :15]).shape == (2, 3, 15, 16)
    with pytest.raises(DataError, match=r"images of 16 x 16 pixels for the net .* got 20 x 16"):
        colorizer.transform(photographs(2, (20, 16)))
    with pytest.raises(DataError, match="images of one size for the net"):
        colorizer.fit([*photographs(2), *photographs(2, (20, 16))])


def test_saved_and_loaded_it_gives_the_same(fitted, tmp_path):
    X = photographs(4, seed=6)
    fitted.save(tmp_path / "model")
    loaded = diabolo.load(tmp_path / "model", "cpu")
    np.testing.assert_array_equal(loaded.transform(X), fitted.transform(X))
    assert (loaded.quality_, loaded.mean_colour_) == (fitted.quality_, fitted.mean_colour_)
    assert loaded.quality(X) == fitted.quality(X)


def test_an_edited_file_is_refused(fitted, tmp_path):
    for i, (name, value) in enumerate({"mean_colour_": ["a", "b"], "side_": -1, "several_sizes_": 1}.items()):
        other = copy.copy(fitted)
        setattr(other, name, value)
        other.save(tmp_path / str(i))
        with pytest.raises(FileError, match="does not describe colours"):
            diabolo.load(tmp_path / str(i), "cpu")


def test_a_model_saved_before_sizes_were_kept_looks_at_images_as_they_are(fitted, tmp_path, monkeypatch):
    X = photographs(4, (40, 40), seed=6)
    with monkeypatch.context() as before:
        before.setattr(Colorizer, "scalars", ("quality_", "mean_colour_"))
        fitted.save(tmp_path / "model")
    loaded = diabolo.load(tmp_path / "model", "cpu")
    assert (loaded.side_, loaded.several_sizes_) == (0, False)
    own = copy.copy(fitted).set_params(several_sizes=False).transform(X)
    np.testing.assert_array_equal(loaded.transform(X), own)
    np.testing.assert_array_equal(loaded.set_params(several_sizes=True).transform(X), own)


def test_what_is_measured_in_training_is_of_images_held_out(fitted):
    assert fitted.quality_["ab rmse"] < fitted.quality_["ab rmse, one colour"] < fitted.quality_["ab rmse, grey"]
    wanted = to_lab(torch.from_numpy(photographs()))[:, 1:].mean((0, 2, 3))
    np.testing.assert_allclose(fitted.mean_colour_, wanted, atol=8)


def test_the_report_shows_them_all(fitted):
    pytest.importorskip("matplotlib")
    page = fitted.report(photographs(4, seed=7)).html()
    for text in ("one colour for all", "psnr", "ab rmse", "colourfulness", "Lightness, coloured, original", "Training"):
        assert text in page


def test_a_folder_of_photographs_is_learned_from(tmp_path):
    image = pytest.importorskip("PIL.Image")
    for i, x in enumerate(photographs(4)):
        image.fromarray((255 * x.transpose(1, 2, 0)).round().astype(np.uint8)).save(tmp_path / f"{i}.png")
    colorizer = quick(training=QUICK(steps=3)).fit(tmp_path)
    assert colorizer.transform(tmp_path).dtype == np.uint8


@pytest.mark.parametrize(
    ("X", "words"),
    [
        (np.zeros((4, 5)), r"images \(N, C, H, W\), or be a list .* got shape \(4, 5\)"),
        (np.zeros((3, 8, 8)), r"Give a single image as x\[None\]"),
        (np.zeros((2, 1, 8, 8)), r"colours: 3 channels, .* got \(C, H, W\) = \(1, 8, 8\)"),
        (np.zeros((2, 8, 8, 3)), "move the axis of the channels to the front"),
        (np.full((2, 3, 8, 8), 255.0), r"numbers in \[0, 1\], without NaN; got values from 255"),
        (np.full((2, 3, 8, 8), np.nan), "without NaN"),
        (np.zeros((2, 3, 8, 8), int), "got int64"),
        (np.zeros((0, 3, 8, 8)), "got shape"),
    ],
    ids=["table", "single", "grey", "channels last", "beyond white", "NaN", "whole numbers", "none"],
)
def test_what_is_no_photograph_is_refused(X, words):
    with pytest.raises(DataError, match=words):
        quick().fit(X)


def test_hostile_parameters_are_refused():
    X = photographs(4)
    for name, value in {"hints": 1.5, "temperature": -1.0, "balance": 2, "n_components": 0}.items():
        with pytest.raises(ParameterError, match=f"Parameter '{name}' of Colorizer must be"):
            quick().set_params(**{name: value}).fit(X)
    with pytest.raises(ParameterError, match="a likelihood of any numbers, such as Chromatic"):
        quick(recipe=Recipe(NET, likelihood=Bernoulli())).fit(X)
    with pytest.raises(NotFittedError):
        quick().transform(X)


def test_hints_need_a_fit_with_hints():
    colorizer = quick(hints=0.0, training=QUICK(steps=3)).fit(photographs(12))
    assert colorizer.shape_[0] == 4
    with pytest.raises(CapabilityError, match=r"fit it with hints=0\.25"):
        colorizer.transform(photographs(1), hints=[(0, 1, 1, 0.5, 0.5, 0.5)])


WITHOUT_DATA = [
    check
    for name, check in inspect.getmembers(estimator_checks, inspect.isfunction)
    if name
    in {
        "check_do_not_raise_errors_in_init_or_set_params",
        "check_estimator_cloneable",
        "check_estimator_repr",
        "check_estimator_tags_renamed",
        "check_get_params_invariance",
        "check_mixin_order",
        "check_no_attributes_set_in_init",
        "check_parameters_default_constructible",
        "check_set_params",
        "check_valid_tag_types",
    }
]


@pytest.mark.parametrize("check", WITHOUT_DATA, ids=lambda check: check.__name__)
def test_the_checks_of_scikit_learn_that_need_no_table(check):
    check("Colorizer", quick())


def test_scikit_learn_is_told_that_tables_are_nothing():
    assert len(WITHOUT_DATA) >= 8  # of other releases, some have other names
    assert not get_tags(quick()).input_tags.two_d_array


def test_the_score_of_images_without_colours_is_a_number():
    images = np.repeat(photographs()[:, :1], 3, 1)
    colorizer = Colorizer(recipe=Recipe(NET), training=Training(steps=2), random_state=0).fit(photographs())
    assert colorizer.score(images) < 1
    plain = Colorizer(recipe=Recipe(NET), training=Training(steps=2), random_state=0).fit(images)
    assert plain.score(images) in (0.0, 1.0)
