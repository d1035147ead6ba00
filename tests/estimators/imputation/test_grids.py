"""The imputer of series and images: what fills gaps, how sure it is, and in which form it comes back."""

from copy import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import diabolo
from diabolo import Imputer, Recipe, Training
from diabolo.corruptions import Gaps, Masking
from diabolo.errors import CapabilityError, DataError, FileError, ParameterError
from diabolo.likelihoods import Laplace
from diabolo.nets import ResUNet

SMALL = Recipe(ResUNet((16, 16, 16), blocks=1, activation="silu", bias=True), corruption=Gaps(size=12))
QUICK = Training(steps=150, batch_size=32)
FEW = Training(steps=2, batch_size=4)


def waves(count: int, length: int = 60, seed: int = 0) -> np.ndarray:
    """Return series (N, T, 2) of two channels, one 2 times the other and 3 more: each follows from what is around."""
    rng = np.random.default_rng(seed)
    x = np.sin(np.arange(length) / 4 + rng.uniform(0, 6, (count, 1))) + 0.05 * rng.normal(size=(count, length))
    return np.stack([x, 2 * x + 3], 2)


def stretches(shape: tuple[int, ...], seed: int, length: int = 8) -> np.ndarray:
    rng, gone = np.random.default_rng(seed), np.zeros(shape, bool)
    for own in gone:
        start = rng.integers(0, shape[1] - length)
        own[start : start + length] = True
    return gone


@pytest.fixture(scope="module")
def fitted():
    X = waves(60)
    return Imputer(recipe=SMALL, training=QUICK, random_state=0).fit(np.where(stretches(X.shape, 0), np.nan, X))


TEST = waves(40, seed=1)
GONE = stretches(TEST.shape, 1)
GAPPED = np.where(GONE, np.nan, TEST)


def test_gaps_are_filled_from_around_and_all_else_stays_bit_for_bit(fitted):
    filled = fitted.transform(GAPPED)
    assert np.array_equal(filled[~GONE], TEST[~GONE])
    error = np.abs(filled - TEST)
    assert error[..., 0][GONE[..., 0]].mean() < 0.25 < 0.5 * np.abs(TEST[..., 0]).mean()
    assert fitted.errors_["model"] < 0.4 < 0.8 < fitted.errors_["mean"]


def test_what_is_missing_in_one_channel_follows_from_the_other(fitted):
    one = np.array(TEST)
    one[:, 20:35, 1] = np.nan
    both = np.array(TEST)
    both[:, 20:35] = np.nan
    off = [np.abs(fitted.transform(x) - TEST)[:, 20:35, 1].mean() for x in (one, both)]
    assert off[0] < off[1]


def test_intervals_hold_what_they_say(fitted):
    low, high = fitted.intervals(GAPPED, 0.9)
    inside = ((low <= TEST) & (high >= TEST))[GONE].mean()
    assert 0.8 < inside < 0.97
    assert np.array_equal(low[~GONE], TEST[~GONE]) and np.array_equal(high[~GONE], TEST[~GONE])
    narrow = fitted.intervals(GAPPED, 0.5)
    assert ((narrow[1] - narrow[0]) < (high - low))[GONE].mean() > 0.95
    assert fitted.coverage_.shape == (2, 11) and (np.diff(fitted.coverage_, axis=1) > 0).all()


def test_the_end_of_one_long_series_judges_what_is_learned_from_the_rest():
    x = waves(1, 400)
    x += np.random.default_rng(1).normal(0, 0.3, x.shape)  # noise that can be learned by heart, but not known
    gone = np.random.default_rng(2).random(x.shape) < 0.2
    alone = Imputer(recipe=SMALL, training=Training(steps=150, batch_size=4), random_state=0)
    alone.fit(np.where(gone, np.nan, x))
    assert "held_out" in alone.history_.columns
    low, high = alone.intervals(np.where(gone, np.nan, x), coverage=0.9)
    assert 0.75 < ((low <= x) & (x <= high))[gone].mean() < 0.99


def test_uncertainty_is_in_units_of_the_user_and_0_where_nothing_is_missing(fitted):
    unsure = fitted.uncertainty(GAPPED)
    assert (unsure[~GONE] == 0).all() and (unsure[GONE] > 0).all()
    assert 1.3 < unsure[..., 1][GONE[..., 1]].mean() / unsure[..., 0][GONE[..., 0]].mean() < 3  # twice the numbers
    longer = np.array(TEST)
    longer[:, 15:45] = np.nan
    assert fitted.uncertainty(longer)[:, 28:32].mean() > unsure[GONE].mean()


def test_draws_differ_in_gaps_alone_and_channels_fit_each_other(fitted):
    one, other = fitted.sample(GAPPED, 2, seed=0)
    assert (one != other)[GONE].all() and np.array_equal(one[~GONE], TEST[~GONE])
    assert np.array_equal(fitted.sample(GAPPED, 1, seed=0)[0], one)
    blank = np.array(TEST)
    blank[:, 20:35] = np.nan
    drawn = fitted.sample(blank, 1, seed=0)[0][:, 20:35]
    assert np.corrcoef(drawn[..., 0].ravel(), drawn[..., 1].ravel())[0, 1] > 0.8


def test_the_median_is_another_guess():
    X = waves(20)
    mean, median = (Imputer(recipe=SMALL, training=FEW, random_state=0, strategy=s).fit(X) for s in ("mean", "median"))
    filled = [imputer.transform(GAPPED) for imputer in (mean, median)]
    assert not np.array_equal(*filled) and not np.isnan(filled[1]).any()


def test_a_saved_imputer_answers_as_it_did(fitted, tmp_path):
    fitted.save(tmp_path / "model")
    again = diabolo.load(tmp_path / "model")
    assert np.array_equal(again.transform(GAPPED), fitted.transform(GAPPED))
    assert all(map(np.array_equal, again.intervals(GAPPED), fitted.intervals(GAPPED)))
    assert again.recipe_.corruption == Gaps(size=12) and again.errors_ == fitted.errors_


def test_a_file_that_does_not_fit_is_refused(tmp_path):
    imputer = Imputer(recipe=SMALL, training=FEW).fit(waves(4))
    imputer.filler_ = replace(imputer.filler_, coverage=imputer.coverage_[:1])
    imputer.save(tmp_path / "model")
    with pytest.raises(FileError, match="does not fit its model"):
        diabolo.load(tmp_path / "model")


def test_it_has_nothing_of_tables(fitted):
    assert not any(hasattr(fitted, name) for name in ("gapped_", "factors_", "spreads_", "trust_"))
    with pytest.raises(AttributeError, match="fitted on series or images has no columns"):
        fitted.gapped_  # noqa: B018
    asked = copy(fitted).set_params(add_indicator=True)
    assert len(asked.get_feature_names_out()) == fitted.n_features_in_
    assert np.array_equal(asked.transform(GAPPED), fitted.transform(GAPPED))


def picture(height: int, width: int, channels: int = 1) -> np.ndarray:
    wave = np.add.outer(np.sin(np.arange(height) / 5), np.cos(np.arange(width) / 4))
    return np.stack([0.4 + 0.15 * wave + 0.1 * c for c in range(channels)])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_images_of_several_sizes_come_back_as_such(dtype):
    images = [picture(*size, 3).astype(dtype) for size in ((20, 33), (16, 40), (24, 24))]
    imputer = Imputer(recipe=SMALL, training=FEW, random_state=0).fit(images)
    gapped = [np.array(x) for x in images]
    for x in gapped[:2]:
        x[:, 5:12, 3:9] = np.nan
    filled = imputer.transform(gapped)
    assert [x.shape for x in filled] == [x.shape for x in images] and all(x.dtype == dtype for x in filled)
    assert np.array_equal(filled[2], images[2]) and not any(np.isnan(x).any() for x in filled)
    assert all(x.min() >= 0 and x.max() <= 1 for x in (*filled, *imputer.sample(gapped, 1)[0]))
    assert [x.shape for x in imputer.uncertainty(gapped)] == [x.shape for x in images]


def test_bytes_tensors_and_masked_arrays():
    X = (255 * np.stack([picture(20, 24)] * 4)).astype(np.uint8)
    imputer = Imputer(recipe=SMALL, training=FEW, random_state=0).fit(X)
    assert imputer.transform(X).dtype == np.uint8 and np.array_equal(imputer.transform(X), X)
    gone = np.zeros(X.shape, bool)
    gone[:, :, 4:9, 4:9] = True
    expected = imputer.transform(np.where(gone, np.nan, X))
    assert np.array_equal(imputer.transform(np.ma.masked_array(X, gone)), expected)
    found = imputer.transform(torch.from_numpy(np.where(gone, np.nan, X)))
    assert isinstance(found, torch.Tensor) and np.array_equal(found.numpy(), expected)


def test_large_images_are_filled_tile_by_tile_as_a_whole(monkeypatch):
    from diabolo.estimators.imputation import grids

    X = np.stack([picture(150, 170)])
    imputer = Imputer(recipe=SMALL, training=FEW, random_state=0).fit(X)
    X[..., 60:90, 70:99] = np.nan
    whole = imputer.transform(X)
    monkeypatch.setattr(grids, "POINTS", 1000)
    np.testing.assert_allclose(imputer.transform(X), whole, atol=1e-5)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 40), st.integers(0, 2**10)), min_size=1, max_size=4), st.data())
def test_series_of_any_length_with_any_gaps_come_back_whole(any_imputer, sizes, data):
    X = [waves(1, length, seed)[0] for length, seed in sizes]
    for x in X:
        x[data.draw(st.lists(st.integers(0, len(x) - 1), max_size=len(x)))] = np.nan
    for found in (any_imputer.transform(X), any_imputer.sample(X, 1)[0], any_imputer.intervals(X)[1]):
        for given_, own in zip(X, found, strict=True):
            there = ~np.isnan(given_)
            assert own.shape == given_.shape and np.isfinite(own).all() and np.array_equal(own[there], given_[there])


@pytest.fixture(scope="module")
def any_imputer():
    return Imputer(recipe=SMALL, training=FEW, random_state=0).fit(waves(4))


def test_the_report_shows_gaps(fitted):
    html = fitted.report(GAPPED).html()
    assert "Imputer of series: 13.3 % of the cells missing" in html and "With gaps, and filled" in html
    assert "With gaps" not in fitted.report(TEST).html()


def test_a_likelihood_without_a_spread_fills_but_tells_nothing_else():
    X = waves(12)
    imputer = Imputer(recipe=SMALL.revise(likelihood=Laplace()), training=FEW, random_state=0).fit(X)
    assert not np.isnan(imputer.transform(GAPPED)).any()
    for ask in (imputer.uncertainty, imputer.intervals, imputer.sample):
        with pytest.raises(CapabilityError, match=r"fitted with Laplace\(\). Leave the likelihood open, or choose"):
            ask(GAPPED)
    with pytest.raises(CapabilityError, match="strategy='median' needs"):
        imputer.set_params(strategy="median").transform(GAPPED)


def test_errors_say_what_to_do(fitted):
    for X, word in (
        (np.full((3, 20, 2), np.nan), "all cells are missing"),
        (np.where(GONE, np.inf, TEST), "contains infinity"),
        (np.zeros((2, 3, 4, 5, 6)), "got 5 axes"),
        ([np.zeros((9, 2)), np.zeros((9, 3))], "same number of channels"),
    ):
        with pytest.raises(DataError, match=word):
            Imputer(recipe=SMALL, training=FEW).fit(X)
    with pytest.raises(DataError, match=r"must hold series of 2 channel\(s\)"):
        fitted.transform(TEST[..., :1])
    with pytest.raises(DataError, match=r"got 1 axes.*X\[None, :, None\] a single series"):
        fitted.transform(np.zeros(9))
    with pytest.raises(DataError, match="X has 9 features"):
        fitted.transform(np.zeros((4, 9)))
    with pytest.raises(ParameterError, match=r"must be left open for series and images, or be Gaps\(\); got Masking"):
        Imputer(recipe=SMALL.revise(corruption=Masking())).fit(TEST)
    with pytest.raises(ParameterError, match="'add_indicator' of Imputer must be False for series"):
        Imputer(add_indicator=True).fit(TEST)
    table = Imputer(training=FEW).fit(TEST[:, :5, 0])
    with pytest.raises(DataError, match="X has 60 features"):
        table.transform(TEST)
