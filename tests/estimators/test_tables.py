"""Tables as users have them: incomplete, badly scaled, repeated; and what is refused."""

import warnings

import numpy as np
import pandas as pd
import pytest
from tests.anomalies import orders, plane, quick, waves

from diabolo.errors import DataError, DataTypeError, DiaboloWarning


@pytest.fixture(scope="module")
def fitted():
    return quick().fit(orders(300))


def test_missing_cells_are_filled_with_what_the_others_tell():
    X = plane(400)
    holes = X.copy()
    holes[np.random.default_rng(0).random(X.shape) < 0.05] = np.nan
    detector = quick(n_components=3).fit(holes)
    filled, lost = detector.reconstruct(holes), np.isnan(holes)
    assert np.isfinite(filled).all()
    assert np.abs(filled - X)[lost].mean() < 0.6 * np.abs(X - np.nanmean(holes, 0))[lost].mean()
    assert np.isfinite(detector.score_samples(np.full((1, 8), np.nan))).all()


def test_a_value_missing_where_that_is_rare_counts_and_so_does_one_where_it_never_was():
    frame = orders(400)
    frame.loc[frame.index[3], "price"] = np.nan
    detector = quick().fit(frame)
    few = orders(30, seed=5).dropna()
    without = detector.explain(few.assign(price=np.nan))
    assert (without.idxmax(axis=1) == "price").mean() > 0.9
    unheard = detector.explain(few.assign(paid=pd.array([None] * len(few), dtype="boolean")))
    assert (unheard["paid"] > detector.explain(few)["paid"]).mean() > 0.9


def test_a_category_never_seen_scores_higher_than_a_known_one(fitted):
    frame = orders(100, seed=3).dropna(subset="city")
    strange = frame.assign(city="Atlantis")
    assert (fitted.score_samples(strange) < fitted.score_samples(frame)).all()
    assert (fitted.explain(strange)["city"] > fitted.explain(frame)["city"]).all()


def test_scales_far_apart_do_not_matter():
    X = plane(300)
    odd = X * [1e9, 1e-9, 1, 1e6, 1e-6, 1, 1e12, 1] + [1e9, 0, 1e9, 0, 1e-3, 5, 0, -1e6]
    new = plane(30, seed=1)
    new[0, 1] += 6 * X[:, 1].std()
    plain, wild = (
        quick().fit(x).score_samples(y)
        for x, y in (
            (X, new),
            (odd, new * (odd[1] - odd[0]) / (X[1] - X[0]) + (odd[0] - X[0] * (odd[1] - odd[0]) / (X[1] - X[0]))),
        )
    )
    np.testing.assert_allclose(wild, plain, rtol=0.05)
    assert wild.argmin() == 0


def test_little_beside_a_constant_is_little():
    X = np.column_stack([plane(300), np.full(300, 5.0)])
    detector = quick().fit(X)
    new = np.column_stack([plane(30, seed=1), np.full(30, 5.0)])
    new[0, 8] += 0.001
    new[1, 2] += 6 * X[:, 2].std()
    scores = detector.score_samples(new)
    assert scores.argmin() == 1
    same = new[:1].copy()
    same[0, 8] = 5
    assert detector.score_samples(same)[0] == pytest.approx(scores[0], rel=0.01)
    new[0, 8] = 500
    assert detector.explain(new[:1]).argmax() == 8


def test_a_column_of_which_nothing_is_known_is_named():
    frame = orders(60).assign(notes=np.nan)
    with pytest.warns(DiaboloWarning, match=r"missing in column 'notes'; drop it"):
        detector = quick().fit(frame)
    assert np.isfinite(detector.score_samples(frame)).all()
    X = plane(60)
    X[:, 4] = np.nan
    with pytest.warns(DiaboloWarning, match=r"missing in column '4'"):
        detector = quick().fit(X)
    assert detector.predict(X).shape == (60,)


def test_one_column_and_repeated_rows():
    one = quick().fit(np.random.default_rng(0).normal(size=(200, 1)))
    assert one.predict([[0.0], [9.0]]).tolist() == [1, -1]
    towns = quick().fit(pd.DataFrame({"town": ["Oslo", "Rome", "Bern"] * 30}))
    unseen = towns.score_samples(pd.DataFrame({"town": ["Oslo", "Bonn"]}))
    assert unseen[1] < unseen[0]
    repeated = quick().fit(np.repeat(plane(40), 10, axis=0))
    assert (repeated.predict(plane(40)) > 0).mean() > 0.9
    equal = quick().fit(np.full((50, 3), 3.3))
    assert equal.predict([[3.3, 3.3, 3.3], [3.3, 3.3, 9.0]]).tolist() == [1, -1]


@pytest.mark.parametrize("count", [2, 3, 20])
def test_fewer_rows_than_a_batch(count):
    for X in (plane(count), orders(count)):
        detector = quick().fit(X)
        assert np.isfinite(detector.score_samples(X)).all()
        assert detector.explain(X).shape == X.shape
    far = quick().fit(plane(count))
    assert far.score_samples(100 * plane(1, seed=9))[0] < far.score_samples(plane(count)).min()


REFUSED = {
    "a number that became text": (lambda f: f.assign(price="cheap"), DataTypeError, "'price' must hold numbers.*cheap"),
    "text that became a number": (lambda f: f.assign(city=3.0), DataTypeError, "'city' must hold text or booleans.*3"),
    "a date that became text": (lambda f: f.assign(when="today"), DataTypeError, "'when' must hold dates"),
    "a lost column": (lambda f: f.drop(columns="city"), DataError, "feature names"),
    "one column more": (lambda f: f.assign(more=1.0), DataError, "feature names"),
    "another name": (lambda f: f.rename(columns={"city": "town"}), DataError, "feature names"),
    "infinity": (lambda f: f.assign(price=np.inf), DataError, "'price' must hold finite numbers"),
    "no rows": (lambda f: f.iloc[:0], DataError, "at least 1 sample; got 0"),
    "lists": (lambda f: f.assign(city=[[1]] * len(f)), DataTypeError, "'city' must hold numbers, text, booleans or"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_table_of_other_columns_is_refused(fitted, name):
    change, error, words = REFUSED[name]
    for verb in (fitted.score_samples, fitted.explain, fitted.reconstruct, fitted.predict):
        with pytest.raises(error, match=words):
            verb(change(orders(20)))


def test_what_cannot_be_learned_from_is_refused():
    ids = pd.DataFrame({"id": [f"customer {i}" for i in range(100)], "age": 1.0})
    with pytest.raises(DataError, match=r"'id' must hold categories; got 100 distinct texts.*drop it"):
        quick().fit(ids)
    with pytest.raises(DataError, match="infinity"):
        quick().fit(np.array([[1.0, np.inf], [0.0, 1.0]]))
    with pytest.raises(DataError, match="'price' must hold finite"):
        quick().fit(orders(20).assign(price=[np.inf, *[1.0] * 19]))
    with pytest.raises(DataError, match="at least 2 samples to learn from; got 1"):
        quick().fit(orders(1))
    with pytest.raises(DataTypeError, match="one kind"):
        quick().fit([[1.0, "a"], ["b", 2.0], [3.0, 4.0]])
    twice = pd.DataFrame(plane(5)[:, :2], columns=["a", "a"])
    with pytest.raises(DataError, match=r"unique column names|distinct names"):
        quick().fit(twice)
    with pytest.raises(ValueError, match="NaN"):
        quick().fit(np.full((5, 4, 2), np.nan))


def test_tables_series_and_images_are_not_taken_for_each_other():
    table, series = quick().fit(plane(60)), quick().fit(waves(60))
    images = quick().fit(waves(60).reshape(60, 2, 6, 4))
    for detector, wrong in (
        (table, [waves(5), plane(5)[:, :7], waves(5).reshape(5, 2, 6, 4), plane(5)[:, :, None]]),
        (series, [plane(5), waves(5)[:, :20], waves(5)[:, :, :1], orders(5)]),
        (images, [plane(5), waves(5), np.ones((5, 2, 6, 5)), plane(5)[:, :2], [["a", "b"], ["c", "d"]]]),
    ):
        for X in wrong:
            with pytest.raises(DataError), warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)
                detector.score_samples(X)
    holes = plane(60)
    holes[3, 3] = np.nan
    with pytest.raises(DataError, match=r"8 features|shape"):
        quick().fit(holes).score_samples(plane(5)[:, :7])
    with pytest.raises(DataError, match=r"\(8,\)"):
        quick().fit(holes).score_samples(plane(8)[:, :, None])
