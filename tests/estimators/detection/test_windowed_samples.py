"""Many long series, and images of several sizes, by windows: which are unusual, and where."""

from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from sklearn.metrics import roc_auc_score
from tests.anomalies import QUICK, quick, reordered, torn, turns, weaves

import diabolo
from diabolo import Detector
from diabolo.data import Stored
from diabolo.errors import DataError

LENGTHS = (60, 80, 100, 47, 50, 66, 90, 120)


def series(seed=0):
    """Eight series (T, 2) of several lengths."""
    return [turns(count, 2, seed=seed + i) for i, count in enumerate(LENGTHS)]


def coloured(count, seed=0):
    """Images (3, H, W) of bytes, of three sizes."""
    return [np.repeat(np.uint8(127 + 60 * image.clip(-1.9, 1.9)), 3, 0) for image in weaves(count, seed)]


WORLDS: dict[str, tuple[Any, int]] = {"series": (series, 25), "images": (lambda seed=0: weaves(9, seed), 8)}


@pytest.fixture(scope="module")
def fitted():
    return {name: quick(window=size).fit(world()) for name, (world, size) in WORLDS.items()}


def extents(samples):
    return [sample.shape[:1] if sample.ndim == 2 else sample.shape[1:] for sample in samples]


def test_a_turn_in_another_order_is_found_in_its_series(fitted):
    X = series(20)
    X[5] = reordered(X[5], 30, channel=1)
    scores, maps = fitted["series"].score_samples(X), fitted["series"].energy_map(X)
    assert scores.argmin() == 5
    assert 5 < maps[5].argmax() < 66
    assert fitted["series"].predict(X)[5] == -1
    parts = fitted["series"].explain(X)[5]
    assert parts.sum(0).argmax() == 1
    assert parts[30:55].mean() > 2 * np.delete(parts, np.s_[30:55], axis=0).mean()


@pytest.mark.parametrize("window", [8, "auto"])
def test_a_spot_is_found_in_its_image(window):
    detector, X = quick(window=window).fit(weaves(9)), weaves(6, seed=1)
    size = cast(int, detector.window_)
    X[4] = torn(X[4], 10, 30)  # of 32 by 48 pixels
    scores, maps = detector.score_samples(X), detector.energy_map(X)
    assert scores.argmin() == 4
    y, x = np.unravel_index(maps[4].argmax(), maps[4].shape)
    assert 10 - size < y < 16 + size
    assert 30 - size < x < 36 + size
    spot = torn(np.ones((1, 32, 48)), 10, 30)[0] == 0
    assert roc_auc_score(spot.ravel(), maps[4].ravel()) > 0.9
    parts = detector.explain(X)[4]
    assert parts[0][spot].mean() > 2 * parts[0][~spot].mean()


@pytest.mark.parametrize("name", WORLDS)
def test_what_comes_back_has_the_shapes_of_the_samples(fitted, name):
    detector, X = fitted[name], WORLDS[name][0]()
    scores, maps, parts, expected = (
        getattr(detector, verb)(X) for verb in ("score_samples", "energy_map", "explain", "reconstruct")
    )
    assert scores.shape == (len(X),)
    assert [each.shape for each in maps] == extents(X)
    assert [each.shape for each in parts] == [each.shape for each in expected] == [each.shape for each in X]
    np.testing.assert_allclose([each.sum() for each in parts], -scores, rtol=1e-9)
    assert all((each >= 0).all() for each in parts)
    assert all(np.abs(each - x).mean() < 0.5 * np.abs(x - x.mean()).mean() for each, x in zip(expected, X, strict=True))


@pytest.mark.parametrize("name", WORLDS)
def test_a_sample_alone_is_as_among_others(fitted, name):
    detector, X = fitted[name], WORLDS[name][0](30)
    scores, maps = detector.score_samples(X), detector.energy_map(X)
    for i in (0, len(X) - 1):
        np.testing.assert_allclose(detector.score_samples([X[i]]), scores[i], rtol=1e-9)
        np.testing.assert_allclose(detector.energy_map([X[i]])[0], maps[i], rtol=1e-9)
    np.testing.assert_allclose(detector.score_samples(X[::-1]), scores[::-1], rtol=1e-9)


@pytest.mark.parametrize("name", WORLDS)
def test_samples_of_one_size_may_be_an_array_or_a_tensor(fitted, name):
    detector = fitted[name]
    X = np.stack([sample[:40] if name == "series" else sample[:, :30, :30] for sample in WORLDS[name][0]()])
    for verb in ("score_samples", "energy_map", "explain", "reconstruct"):
        whole, listed, tensor = (getattr(detector, verb)(form) for form in (X, list(X), torch.tensor(X)))
        assert isinstance(whole, np.ndarray)
        np.testing.assert_array_equal(listed, whole)
        np.testing.assert_array_equal(np.asarray(tensor), whole)
    assert detector.explain(X).shape == detector.reconstruct(X).shape == X.shape
    assert isinstance(detector.reconstruct(torch.tensor(X)), torch.Tensor)


def test_the_form_of_each_sample_does_not_matter(fitted):
    X, detector = series(), fitted["series"]
    expected = detector.score_samples(X)
    for form in (pd.DataFrame, torch.tensor, np.ndarray.tolist, np.float64):
        np.testing.assert_array_equal(detector.score_samples([form(x) for x in X]), expected)
        np.testing.assert_array_equal(detector.score_samples(tuple(form(x) for x in X)), expected)
    again = quick(window=25).fit([torch.tensor(x) for x in X])
    np.testing.assert_array_equal(again.score_samples(X), expected)


def test_bytes_are_images_too():
    X = coloured(6)
    detector = quick(window=8).fit(X)
    assert detector.shape_ == (3, 8, 8)
    rebuilt = detector.reconstruct(X)
    assert all(0 <= image.min() <= image.max() <= 255 for image in rebuilt)
    floats = [image.astype(np.float64) for image in X]
    np.testing.assert_allclose(detector.score_samples(floats), detector.score_samples(X), rtol=1e-4)
    X[1] = 255 - torn(X[1], 5, 5)
    assert detector.score_samples(X).argmin() == 1


def test_a_folder_of_images_of_mixed_sizes(tmp_path):
    X = coloured(6)
    for i, image in enumerate(X):
        Image.fromarray(np.moveaxis(image, 0, -1)).save(tmp_path / f"{i}.png")
    detector, inside = quick(window=8).fit(tmp_path), quick(window=8).fit(X)
    np.testing.assert_array_equal(detector.score_samples(str(tmp_path)), inside.score_samples(X))
    assert [each.shape for each in detector.energy_map(tmp_path)] == extents(X)
    with pytest.raises(DataError, match=r"'0\.png' is .* or take a job that has windows"):
        quick().fit(tmp_path)


@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.parametrize("suffix", ["", ".zip"])
def test_what_is_saved_scores_the_same(tmp_path, fitted, name, suffix):
    detector, X = fitted[name], WORLDS[name][0](40)
    detector.save(tmp_path / f"model{suffix}")
    again = diabolo.load(tmp_path / f"model{suffix}")
    for each in ("window_", "schema_", "shape_", "single_"):
        assert getattr(again, each) == getattr(detector, each)
    for verb in ("score_samples", "p_values", "predict"):
        np.testing.assert_allclose(getattr(again, verb)(X), getattr(detector, verb)(X), rtol=1e-9)


def test_some_samples_are_held_out_to_calibrate():
    X = weaves(20)
    detector = quick(window=8, false_alarm_rate=0.25).fit(X)
    assert len(detector.scores_) == 4
    scores = -detector.score_samples(X)
    assert np.isclose(detector.scores_[:, None], scores[None], rtol=1e-9).any(1).all()
    assert len(quick(window=8).fit(X[:4]).scores_) == 4
    with pytest.raises(DataError, match=r"at least 10 samples with a false_alarm_rate.* got 2"):
        quick(window=8, false_alarm_rate=0.25).fit(X[:2])


def test_a_share_of_the_samples_is_flagged_where_that_is_said():
    X = [turns(40, 1, seed=i) for i in range(20)]
    assert (quick(window=10, contamination=0.1).fit_predict(X) < 0).sum() == 2


@pytest.mark.parametrize(
    ("usual", "odd"), [(weaves(1)[0], torn(weaves(1)[0], 9, 9)), (turns(90), reordered(turns(90), 40))]
)
def test_one_sample_is_enough(usual, odd):
    detector = quick(window=8).fit([usual])
    assert np.isfinite(detector.score_samples([usual])).all()
    assert detector.score_samples([odd]) < detector.score_samples([usual])


@pytest.mark.parametrize("size", [2, 3, 7, 12, 17, 23, 32])
def test_windows_of_any_size_cover_every_pixel(size):
    X = [image[:, :33] for image in weaves(3)]
    detector = quick(window=size, training=QUICK.revise(steps=3)).fit(X)
    assert [each.shape for each in detector.energy_map(X)] == extents(X)
    assert [each.shape for each in detector.reconstruct(X)] == [image.shape for image in X]
    np.testing.assert_allclose([each.sum() for each in detector.explain(X)], -detector.score_samples(X), rtol=1e-9)
    with pytest.raises(DataError, match=f"at least {size} points along each axis.* sample 1 has {size - 1}"):
        detector.score_samples([X[0], X[1][:, :, : size - 1]])


def test_the_same_seed_gives_the_same_scores(fitted):
    for name, (world, size) in WORLDS.items():
        scores = fitted[name].score_samples(world())
        np.testing.assert_array_equal(quick(window=size).fit(world()).score_samples(world()), scores)


def test_images_on_disk_score_as_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("diabolo.data.layout.ROWS", 2)
    X = np.stack([image[:, :24, :24] for image in weaves(5)])
    np.save(tmp_path / "x.npy", X)
    stored = Stored.open(tmp_path / "x.npy")
    inside, outside = quick(window=8).fit(X), quick(window=8).fit(stored)
    for verb in ("score_samples", "energy_map", "explain", "reconstruct", "predict"):
        np.testing.assert_array_equal(getattr(outside, verb)(stored), getattr(inside, verb)(X))


def test_nets_of_images_and_series_have_windows():
    for X, size, recipe in ((weaves(3), 8, "conv"), (series()[:3], 16, "gru")):
        short = Detector(6, recipe=recipe, window=size, training=QUICK.revise(steps=3), random_state=0).fit(X)
        np.testing.assert_allclose([each.sum() for each in short.explain(X)], -short.score_samples(X), rtol=1e-9)


@pytest.mark.parametrize(
    ("X", "words"),
    [
        ([np.ones((30, 2)), np.ones((30, 3))], r"all of as many channels; got shapes \[\(30, 2\), \(30, 3\)\]"),
        ([np.ones((1, 20, 20)), np.ones((3, 20, 20))], r"all of as many channels; got"),
        (np.ones((2, 2, 3, 20, 20)), r"series \(T, C\) or images \(C, H, W\).*\(2, 3, 20, 20\)"),
        ([np.full((1, 20, 20), np.nan)] * 2, "NaN or infinity; drop or impute"),
        ([np.ones((30, 2)), np.full((30, 2), np.inf)], "infinity"),
        ([np.full((1, 20, 20), np.inf)] * 2, "NaN or infinity"),
        ([np.ones((30, 2)), np.ones((9, 2))], "at least 10 points along each axis.* sample 1 has 9"),
        ([np.ones((1, 30, 9))], "sample 0 has .*9"),
        (np.array([[[["a", "b"]] * 30] * 30] * 2), "numbers only"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(X, words):
    with pytest.raises(DataError, match=words):
        quick(window=10).fit(X)


@pytest.mark.parametrize(
    "X",
    [
        [np.ones((30, 2)), np.ones((2, 30, 30))],
        [np.ones(30), np.ones(40)],
        [[[1.0, 2.0], [3.0]]] * 2,
        np.ones((0, 30, 2)),
    ],
    ids=["series and images", "lines of several lengths", "ragged lists", "none"],
)
def test_what_is_neither_series_nor_images_is_refused(X):
    with pytest.raises(DataError, match="X "):
        quick(window=10).fit(X)


REFUSED = {
    "another number of channels": ([np.ones((30, 3))], r"as in training \(2\); got shapes \[\(30, 3\)\]"),
    "one series": (np.ones((30, 2)), "series"),
    "images": (np.ones((3, 2, 30, 30)), r"as in training \(2\)"),
    "too short": ([np.ones((30, 2)), np.ones((24, 2))], "at least 25 points .* sample 1 has 24"),
    "infinity": ([np.full((30, 2), np.inf)], "infinity"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_are_no_such_samples_is_refused(fitted, name):
    X, words = REFUSED[name]
    for verb in ("score_samples", "energy_map", "explain", "reconstruct"):
        with pytest.raises(DataError, match=words):
            getattr(fitted["series"], verb)(X)


@pytest.mark.parametrize("X", [pd.DataFrame({"a": np.ones(30), "b": np.ones(30)}), [], np.ones((0, 30, 2))])
def test_a_frame_and_nothing_are_refused(fitted, X):
    with pytest.raises(DataError, match="X must hold series"):
        fitted["series"].score_samples(X)


@pytest.mark.parametrize("shape", [(30, 12, 1), (9, 1, 12, 12)], ids=["series", "images"])
def test_auto_is_no_longer_than_the_shortest_sample(shape):
    detector = quick(window="auto").fit(np.random.default_rng(0).normal(size=shape))
    assert cast(int, detector.window_) <= 12
