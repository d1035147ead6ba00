"""Features of models: which layer, which pooling, and what a pretrainer gives."""

from typing import Any, cast

import numpy as np
import pytest
import torch
from tests.worlds import digit_images, digits, iris, iris_frame

import diabolo
from diabolo import Pretrainer, Recipe, Training
from diabolo.corruptions import Chain, GaussianNoise, Masking, MaskPatches, SwapNoise
from diabolo.corruptions.cells import Cells
from diabolo.data import Schema
from diabolo.errors import DataError, ParameterError
from diabolo.estimators.pretraining.features import Features
from diabolo.nets import MLP, Conv, Recurrent, Transformer

QUICK = Training(steps=5)


@pytest.mark.parametrize(
    ("net", "shape", "widths"),
    [
        (MLP((7, 5)), (6,), {"code": 3, 1: 7, 2: 5, -1: 5, -2: 7}),
        (Conv((4, 6)), (1, 8, 8), {"code": 3, 1: 4, -1: 6}),
        (Conv((4, 6)), (9, 2), {"code": 3, 1: 4, 2: 6}),
        (Conv((4,)), (9,), {"code": 3, 1: 4}),
        (Transformer(patch=4, width=8, depth=2, heads=2), (1, 8, 8), {"code": 3, 1: 8, 2: 8}),
        (Transformer(patch=4, width=8, depth=1, heads=2), (9, 2), {"code": 3, -1: 8}),
    ],
)
def test_the_layer_decides_the_width(net, shape, widths):
    model = Recipe(net).build(shape, 3)
    assert {layer: Features(model, layer, "mean").width for layer in widths} == widths


def test_pooling_is_over_the_places_of_a_layer():
    model = Recipe(Conv((4, 6))).build((1, 8, 8), 3)
    x = torch.randn(5, 1, 8, 8)
    every = Features(model, -1, "all")(x).view(5, 6, 2, 2)
    torch.testing.assert_close(Features(model, -1, "mean")(x), every.mean((2, 3)))
    torch.testing.assert_close(Features(model, -1, "max")(x), every.amax((2, 3)))
    tokens = Recipe(Transformer(patch=4, width=8, depth=2, heads=2)).build((1, 8, 8), 3)
    each = Features(tokens, 2, "all")(x).view(5, 4, 8)
    torch.testing.assert_close(Features(tokens, 2, "mean")(x), each.mean(1))
    torch.testing.assert_close(
        cast(Any, tokens.encoder).last(each.flatten(1)), tokens.encode(x).mean
    )  # the last hidden layer


def test_the_code_is_that_of_the_model_and_layers_lie_below_one_another():
    model = Recipe(MLP((7, 5))).build((6,), 3)
    x = torch.randn(4, 6)
    torch.testing.assert_close(Features(model, "code", "mean")(x), model.encode(x).mean)
    heights = Features(model, "code", "mean").heights()
    by_layer = [next(h for name, h in heights.items() if f"steps.{i}." in name) for i in range(3)]
    assert by_layer[0] > by_layer[1] > by_layer[2] == 0
    assert max(Features(model, 1, "mean").heights().values()) == 0


def test_a_layer_that_is_not_there():
    with pytest.raises(ParameterError, match=r"'layer' must be 'code' or from 1 to 2.*got 3"):
        Pretrainer(layer=3, recipe=Recipe(MLP((4, 4))), training=QUICK).fit(iris())
    with pytest.raises(ParameterError, match=r"'layer' must be 'code' for Recurrent.*got -1"):
        Pretrainer(layer=-1, recipe=Recipe(Recurrent()), training=QUICK).fit(
            np.random.default_rng(0).normal(size=(9, 5, 2))
        )
    wrong: Any
    for wrong in (0, True, "codes", 1.0):
        with pytest.raises(ParameterError, match="'layer' of Pretrainer must be 'code'"):
            Pretrainer(layer=wrong).fit(iris())
    with pytest.raises(ParameterError, match="'pooling' of Pretrainer must be 'mean' or 'max' or 'all'"):
        Pretrainer(pooling="sum").fit(iris())


@pytest.mark.parametrize("recipe", ["stacked-denoising", "contractive", "vae", "masked", "denoising"])
def test_every_way_of_pretraining_gives_features_of_tables_and_images(recipe):
    for X in (iris(), digit_images()[:60]):
        pretrainer = Pretrainer(4, recipe=recipe, training=QUICK, random_state=0).fit(X)
        features = pretrainer.transform(X)
        assert features.shape == (len(X), 4)
        assert np.isfinite(features).all()
        assert features.std(0).min() > 0


def test_the_encoder_is_a_plain_module_of_scaled_samples():
    X = digit_images().astype(np.float32)
    pretrainer = Pretrainer(layer=-1, training=QUICK, random_state=0).fit(X)
    scaled = pretrainer.scaling_.tensor(X[:9])
    with torch.no_grad():
        np.testing.assert_allclose(pretrainer.encoder_(scaled), pretrainer.transform(X[:9]), rtol=1e-5, atol=1e-6)
    weights = pretrainer.encoder_.state_dict()
    assert len(weights) > 2
    assert pretrainer.get_feature_names_out().tolist() == [f"pretrainer{i}" for i in range(16)]


def test_where_nothing_keeps_a_recipe_from_copying_noise_does():
    images = Pretrainer(training=QUICK).fit(digit_images()[:50])
    assert images.recipe_.corruption == MaskPatches(0.5, 1)
    series = Pretrainer(training=QUICK).fit(np.random.default_rng(0).normal(size=(20, 40, 2)))
    assert series.recipe_.corruption == MaskPatches(0.5, 2)
    assert Pretrainer(training=QUICK).fit(iris()).recipe_.corruption == SwapNoise()
    for kept in ("contractive", "vae", "k-sparse", "linear"):
        assert Pretrainer(2, recipe=kept, training=QUICK).fit(iris()).recipe_.corruption is None
    own = Recipe(corruption=GaussianNoise(0.1))
    assert Pretrainer(recipe=own, training=QUICK).fit(iris()).recipe_.corruption == GaussianNoise(0.1)


def mixed():
    pd = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    town = np.array(["Oslo", "Rome", "Bern"], dtype=object)[rng.integers(0, 3, 60)]
    town[::7] = None
    size = rng.normal(size=60)
    size[::5] = np.nan
    return pd.DataFrame({"town": town, "size": size, "age": rng.integers(20, 80, 60), "new": rng.random(60) > 0.5})


def test_cells_of_mixed_tables_are_swapped_as_a_whole():
    frame = mixed()
    for noise in (SwapNoise(0.5), Masking(0.5), Chain((SwapNoise(0.5), GaussianNoise(0.1)))):
        pretrainer = Pretrainer(training=QUICK, recipe=Recipe(corruption=noise), random_state=0).fit(frame)
        found = pretrainer.recipe_.corruption
        cells = found.parts[0] if isinstance(found, Chain) else found
        assert isinstance(cells, Cells)
        assert cells.columns == tuple(field.width for field in cast(Schema, pretrainer.schema_).fields)
    assert pretrainer.transform(frame).shape == (60, 11)
    pretrainer.fit(iris_frame())
    assert pretrainer.recipe_.corruption == noise  # each cell is a column already


def test_a_likelihood_of_other_numbers_takes_them_as_they_are():
    X = digits() / 16
    pretrainer = Pretrainer(8, recipe="Recipe(net=MLP(hidden=(16,)), likelihood=Bernoulli())", training=QUICK).fit(X)
    assert pretrainer.schema_ is None
    assert pretrainer.scaling_.scale.tolist() == [1.0] * 64
    assert pretrainer.transform(X).shape == (1797, 8)
    with pytest.raises(DataError, match="must hold no missing value here; got NaN"):
        pretrainer.transform(np.where(X > 0.9, np.nan, X))


def test_saved_and_loaded_it_gives_the_same_features(tmp_path):
    frame = mixed()
    pretrainer = Pretrainer(layer=-1, pooling="all", training=QUICK, random_state=0).fit(frame)
    pretrainer.save(tmp_path / "model")
    loaded = diabolo.load(tmp_path / "model")
    assert np.array_equal(loaded.transform(frame), pretrainer.transform(frame))
    assert (loaded.layer, loaded.pooling, loaded.schema_) == (-1, "all", pretrainer.schema_)
    images = Pretrainer(training=QUICK, random_state=0).fit(digit_images())
    images.save(tmp_path / "images.zip")
    loaded = diabolo.load(tmp_path / "images.zip")
    assert np.array_equal(loaded.transform(digit_images()), images.transform(digit_images()))
    assert loaded.facts()["sample"] == [1, 8, 8]


def test_files_on_disk_are_read_part_by_part(tmp_path):
    X = digits()
    np.save(tmp_path / "digits.npy", X)
    pretrainer = Pretrainer(4, training=QUICK, random_state=0).fit(tmp_path / "digits.npy")
    stored = diabolo.data.Stored.open(tmp_path / "digits.npy")
    np.testing.assert_allclose(pretrainer.transform(stored), pretrainer.transform(X), atol=1e-9)
    again = Pretrainer(4, training=QUICK, random_state=0).fit(stored)
    np.testing.assert_allclose(again.transform(X), pretrainer.transform(X), atol=1e-9)
