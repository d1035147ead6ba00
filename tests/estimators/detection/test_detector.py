"""The detector in tiny worlds with known answers: what it finds, why, and that it finds it again."""

from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV
from tests.anomalies import QUICK, corrupted, curve, middle, orders, plane, quick, waves
from tests.worlds import digit_images

from diabolo import Detector, Recipe, Training
from diabolo.corruptions import GaussianNoise
from diabolo.data import Stored
from diabolo.errors import DataError, ParameterError
from diabolo.nets import MLP
from diabolo.recipes import RECIPES, named
from diabolo.training import Callback


def images(count):
    """Digits within [0, 1] (N, 1, 8, 8)."""
    return digit_images()[:count] / 16


WORLDS = {"table": plane, "frame": orders, "series": waves, "images": images}


@pytest.fixture(scope="module")
def fitted():
    return {name: (quick().fit(world(300)), world(300)) for name, world in WORLDS.items()}


def taken(X, index):
    return X.iloc[index] if isinstance(X, pd.DataFrame) else X[index]


@pytest.mark.parametrize("contaminated", [False, True])
def test_anomalies_are_found_that_the_distance_to_the_mean_misses(contaminated):
    usual, odd = curve(970), middle(30)
    train = np.vstack([usual, odd]) if contaminated else curve(1000, seed=3)
    y = np.repeat([0, 1], [970, 30])
    for X in [np.vstack([curve(970, seed=4), middle(30, seed=5)]), *([train] if contaminated else [])]:
        assert roc_auc_score(y, (((X - train.mean(0)) / train.std(0)) ** 2).sum(1)) < 0.8
        assert roc_auc_score(y, -quick().fit(train).score_samples(X)) > 0.95


@pytest.mark.parametrize("name", WORLDS)
def test_a_sample_alone_scores_as_among_others(fitted, name):
    detector, X = fitted[name]
    scores = detector.score_samples(X)
    for i in (0, 1, 150, 299):
        np.testing.assert_allclose(detector.score_samples(taken(X, [i])), scores[i], rtol=1e-9)
    np.testing.assert_allclose(detector.score_samples(taken(X, slice(None, None, -3))), scores[::-3], rtol=1e-9)


@pytest.mark.parametrize("name", WORLDS)
def test_blocks_do_not_change_scores(fitted, name, monkeypatch):
    detector, X = fitted[name]
    expected = detector.score_samples(X), np.asarray(detector.explain(X))
    monkeypatch.setattr("diabolo.estimators.detection.placing.BLOCK", 7)
    np.testing.assert_allclose(detector.score_samples(X), expected[0], rtol=1e-9)
    np.testing.assert_allclose(np.asarray(detector.explain(X)), expected[1], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", WORLDS)
def test_parts_sum_to_the_energy_and_have_the_shape_of_the_samples(fitted, name):
    detector, X = fitted[name]
    parts = np.asarray(detector.explain(X))
    assert parts.shape == X.shape
    assert (parts >= 0).all()
    np.testing.assert_allclose(parts.reshape(300, -1).sum(1), -detector.score_samples(X), rtol=1e-9)
    assert detector.reconstruct(X).shape == X.shape
    assert set(detector.predict(X).tolist()) <= {1, -1}
    np.testing.assert_array_equal(detector.predict(X) < 0, detector.decision_function(X) < 0)


def test_the_corrupted_column_is_named_first():
    train, clean = plane(600), plane(300, seed=1)
    bad, column = corrupted(clean)
    detector, each = quick(n_components=3).fit(train), np.arange(300)
    assert (detector.explain(bad).argmax(1) == column).mean() >= 0.9
    frame, known = (pd.DataFrame(x, columns=list("abcdefgh")) for x in (bad, train))
    named = quick(n_components=3).fit(known)
    assert (named.explain(frame).idxmax(axis=1) == frame.columns[column]).mean() >= 0.9
    rebuilt = detector.reconstruct(bad)
    nearer = np.abs(rebuilt - clean)[each, column] < np.abs(bad - clean)[each, column]
    assert nearer.mean() > 0.95


def test_a_spike_in_a_series_and_a_spot_in_an_image_are_where_they_are(fitted):
    rng = np.random.default_rng(0)
    for name, size in (("series", 3), ("images", 1)):
        detector, X = fitted[name]
        bad, where = X[:50].copy(), rng.integers(0, X[0].size, 50)
        bad.reshape(50, -1)[np.arange(50), where] += size * rng.choice([-1, 1], 50)
        first = detector.explain(bad).reshape(50, -1).argmax(1)
        assert (first == where).mean() >= 0.9
        assert (detector.score_samples(bad) < detector.score_samples(X[:50])).all()


def test_the_same_seed_gives_the_same_scores_and_the_random_state_of_the_user_is_left_alone():
    X = orders(200)
    torch.manual_seed(7)
    np.random.seed(7)  # noqa: NPY002 - the global state is what this is about
    expected = torch.rand(1), np.random.random()  # noqa: NPY002
    torch.manual_seed(7)
    np.random.seed(7)  # noqa: NPY002
    first, second = (quick(random_state=3, false_alarm_rate=0.1).fit(X) for _ in range(2))
    scores = first.score_samples(X)
    assert (torch.rand(1), np.random.random()) == expected  # noqa: NPY002
    np.testing.assert_array_equal(second.score_samples(X), scores)
    np.testing.assert_array_equal(second.scores_, first.scores_)
    assert second.offset_ == first.offset_
    assert not np.allclose(quick(random_state=4, false_alarm_rate=0.1).fit(X).score_samples(X), scores)


def test_refitting_forgets_and_labels_are_ignored():
    detector = quick()
    for X in (orders(60), waves(60), plane(60), orders(60)):
        scores = detector.fit(X, y=np.arange(60)).score_samples(X)
        np.testing.assert_array_equal(scores, quick().fit(X).score_samples(X))
        assert (detector.schema_ is None) == (np.ndim(X) > 2)


BAD: dict[str, Any] = {
    "infinity": np.where(plane(60) > 2, np.inf, plane(60)),
    "text that is no category": np.array([[f"row {i}", 1.0] for i in range(500)], dtype=object),
    "one sample": plane(1),
}


@pytest.mark.parametrize("name", BAD)
def test_a_failed_fit_leaves_the_detector_as_it_was(name):
    detector = quick(false_alarm_rate=0.2).fit(orders(60))
    state, scores = dict(vars(detector)), detector.score_samples(orders(9))
    with pytest.raises(DataError):
        detector.fit(BAD[name])
    assert vars(detector) == state
    np.testing.assert_array_equal(detector.score_samples(orders(9)), scores)


def test_names_of_columns_are_forgotten_too():
    assert not hasattr(quick().fit(orders(60)).fit(plane(60)), "feature_names_in_")


USUAL = {
    "frame": (orders, ("price", "paid")),
    "array": (lambda count, seed=0: plane(count, seed), (0, 5)),
    "states": (lambda count, seed=0: orders(count, seed)[["paid", "when", "price"]], ("paid", "when")),
}


@pytest.mark.parametrize("name", USUAL)
def test_a_value_missing_where_none_ever_was_counts(name):
    world, columns = USUAL[name]
    detector, new = quick().fit(world(300)), world(100, seed=1)
    usual = detector.score_samples(new)
    for column in columns:
        lost = new.copy() if isinstance(new, np.ndarray) else new.astype({"paid": object})
        if isinstance(lost, np.ndarray):
            lost[:, column] = np.nan
        else:
            lost[column] = pd.NaT if column == "when" else None
        scores, parts = detector.score_samples(lost), detector.explain(lost)
        assert (scores < usual).mean() > 0.95
        named = parts.argmax(1) if isinstance(parts, np.ndarray) else parts.idxmax(axis=1)
        assert (named == column).mean() > 0.9
        np.testing.assert_allclose(np.asarray(parts).sum(1), -scores, rtol=1e-9)


def test_a_row_of_nothing_is_an_anomaly_where_rows_were_whole_and_usual_where_they_were_not():
    detector = quick().fit(plane(300))
    nothing = np.full((1, 8), np.nan)
    assert detector.predict(nothing) == [-1]
    assert detector.p_values(nothing) < 0.01
    holes = np.vstack([plane(300), np.full((30, 8), np.nan)])
    assert quick().fit(holes).predict(nothing) == [1]


def test_parameters_reach_into_the_recipe():
    detector = quick()
    changed = cast(Detector, clone(detector)).set_params(
        recipe__corruption__sigma=0.5, training__steps=20, contamination=0.2
    )
    assert named(changed.recipe).corruption == GaussianNoise(0.5)
    assert (changed.schedule.steps, changed.contamination, detector.training) == (20, 0.2, QUICK)
    assert cast(Detector, clone(changed)).get_params() == changed.get_params()
    assert not np.allclose(
        changed.fit(plane(100)).score_samples(plane(9)), quick().fit(plane(100)).score_samples(plane(9))
    )
    grid = {"recipe__corruption__sigma": [0.1, 1.0], "n_components": [1, 3]}
    order = np.random.default_rng(0).permutation(200)
    X, y = np.vstack([curve(100), middle(100)])[order], np.repeat([1, -1], 100)[order]
    search = GridSearchCV(detector, grid, cv=2, scoring="roc_auc", error_score="raise").fit(X, y)  # pyright: ignore[reportArgumentType]
    assert len(search.cv_results_["params"]) == 4
    with pytest.raises(ParameterError, match="Did you mean 'contamination'"):
        quick().set_params(contaminaton=0.1)
    with pytest.raises(ParameterError, match="sigma"):
        quick().set_params(recipe__corruption__sigm=0.1)


def test_the_code_has_a_quarter_of_the_columns_by_default():
    assert quick().fit(plane(40)).model_.n == 2
    assert quick().fit(plane(40)[:, :1]).model_.n == 1
    assert quick().fit(orders(60)).model_.n == 2  # of the columns, not of what they are encoded as
    assert quick().fit(images(40)).model_.n == 16
    assert quick(n_components=5).fit(plane(40)).model_.n == 5


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_detects(name):
    detector = quick(n_components=8, recipe=name, training=Training(steps=10, validation=0.0))
    for X in (plane(60), orders(60)):
        far = detector.fit(X).score_samples(1e3 * X if isinstance(X, np.ndarray) else X.assign(price=1e6))
        assert np.isfinite(far).all()
        assert (far < np.median(detector.score_samples(X))).all()
        np.testing.assert_allclose(np.asarray(detector.explain(X)).sum(1), -detector.score_samples(X), rtol=1e-9)


WRONG = {
    "no code": ({"n_components": 0}, r"n_components.*integer in \[1, .*got 0"),
    "unknown recipe": ({"recipe": "vea"}, "Did you mean 'vae'"),
    "a bad knob": ({"recipe": Recipe(MLP(), corruption=GaussianNoise(-1.0))}, "sigma.*-1"),
    "no training": ({"training": 3}, "training"),
    "bad device": ({"device": "abacus"}, "abacus"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_parameters_give_one_sentence(name):
    knobs, words = WRONG[name]
    with pytest.raises(ParameterError, match=words):
        quick(**knobs).fit(plane(20))


def test_nothing_works_before_the_fit():
    for verb in Detector.verbs:
        with pytest.raises(NotFittedError):
            getattr(Detector(), verb)(plane(5))
    with pytest.raises(NotFittedError):
        Detector().report(plane(5))


def test_tensors_and_lists_are_taken_and_given_back(fitted):
    detector, X = fitted["table"]
    tensor = torch.tensor(X)
    np.testing.assert_array_equal(detector.score_samples(tensor), detector.score_samples(X))
    np.testing.assert_array_equal(detector.score_samples(X.tolist()), detector.score_samples(X))
    for verb in (detector.explain, detector.reconstruct):
        given = verb(tensor)
        assert isinstance(given, torch.Tensor)
        np.testing.assert_array_equal(given, verb(X))
    series, waved = fitted["series"]
    assert isinstance(series.reconstruct(torch.tensor(waved)), torch.Tensor)
    single = series.score_samples(waved.astype(np.float32))
    np.testing.assert_allclose(single, series.score_samples(waved), rtol=1e-4)


def test_bytes_are_images_too():
    X = (digit_images()[:200] * 15).astype(np.uint8)
    detector = quick().fit(X)
    rebuilt = detector.reconstruct(X)
    assert 0 <= rebuilt.min() <= rebuilt.max() <= 255
    assert detector.score_samples(255 - X).max() < np.median(detector.score_samples(X))


@pytest.mark.parametrize("name", ["x.npy", "x.parquet", "x.csv"])
def test_paths_and_rows_on_disk_are_samples(tmp_path, monkeypatch, name):
    monkeypatch.setattr("diabolo.data.layout.ROWS", 100)
    frame = pd.DataFrame(plane(500), columns=list("abcdefgh"))
    array = frame.to_numpy()
    {"npy": np.save, "parquet": lambda p, x: frame.to_parquet(p), "csv": lambda p, x: frame.to_csv(p, index=False)}[
        name.split(".")[1]
    ](tmp_path / name, array)
    X = array if name == "x.npy" else frame
    detector = quick().fit(X)
    for source in [str(tmp_path / name), *([Stored.open(tmp_path / name)] if name != "x.csv" else [])]:
        again = quick().fit(source)
        for verb in ("score_samples", "predict", "p_values", "explain", "reconstruct"):
            expected = getattr(detector, verb)(X)
            for each in (detector, again):
                given = getattr(each, verb)(source)
                assert type(given) is type(expected)
                np.testing.assert_allclose(np.asarray(given), np.asarray(expected), rtol=1e-6)


def test_of_many_rows_on_disk_some_are_learned_from_and_all_are_scored(tmp_path, monkeypatch):
    monkeypatch.setattr("diabolo.estimators.detection.intake._LEARNT", 8000)
    np.save(tmp_path / "x.npy", plane(3000))
    stored = Stored.open(tmp_path / "x.npy")
    detector = quick().fit(stored)
    assert len(detector.scores_) == 1000
    assert detector.score_samples(stored).shape == (3000,)
    assert detector.explain(stored).shape == detector.reconstruct(stored).shape == (3000, 8)
    holes = plane(50)
    holes[3, 3] = np.nan
    np.save(tmp_path / "holes.npy", holes)
    found = detector.score_samples(Stored.open(tmp_path / "holes.npy"))
    np.testing.assert_array_equal(found, detector.score_samples(holes))
    holes[3, 3] = np.inf
    np.save(tmp_path / "holes.npy", holes)
    with pytest.raises(DataError, match="infinity: column 3 of row 3"):
        detector.score_samples(Stored.open(tmp_path / "holes.npy"))


def test_a_killed_fit_goes_on_from_its_checkpoint(tmp_path):
    class Crash(Callback):
        def on_epoch(self, run):
            if run.epoch == 5:
                raise RuntimeError("power cut")

    short = Training(steps=10, validation=0.0)
    whole = quick(training=short).fit(plane(100))
    with pytest.raises(RuntimeError, match="power cut"):
        quick(training=short).fit(plane(100), callbacks=[Crash()], checkpoint=tmp_path / "run")
    resumed = quick(training=short).fit(plane(100), checkpoint=tmp_path / "run")
    np.testing.assert_array_equal(resumed.score_samples(plane(9)), whole.score_samples(plane(9)))
