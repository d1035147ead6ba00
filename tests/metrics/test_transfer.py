"""Transfer: a classifier is worth what the rows it learned from tell of the target."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.naive_bayes import GaussianNB

from diabolo.errors import DataError, ParameterError
from diabolo.metrics import transfer


def rows(count, seed, noise=0.5):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 2))
    city = np.where(x[:, 0] + rng.normal(0, 0.2, count) > 0, "Rome", "Oslo")
    label = np.where(x[:, 0] + x[:, 1] + noise * rng.normal(size=count) > 0, "yes", "no")
    return pd.DataFrame({"a": x[:, 0], "city": city, "label": label, "b": x[:, 1]})


TRAIN, FRESH, TEST = (rows(300, seed) for seed in range(3))


def test_rows_drawn_alike_are_worth_as_much_and_shuffled_ones_nothing():
    good = transfer(TRAIN, FRESH, TEST, "label", seeds=2)
    assert good.auroc.floor > 0.9
    assert good.auroc.score == pytest.approx(good.auroc.floor, abs=0.04)
    assert good.accuracy.score == pytest.approx(good.accuracy.floor, abs=0.06)
    shuffled = FRESH.assign(label=FRESH["label"].sample(frac=1, random_state=0).to_numpy())
    bad = transfer(TRAIN, shuffled, TEST, "label", seeds=2)
    assert bad.auroc.score < 0.65
    assert bad.auroc.floor == good.auroc.floor


def test_the_training_rows_themselves_are_worth_exactly_as_much():
    found = transfer(TRAIN, TRAIN, TEST, "label", seeds=3)
    assert found.accuracy.scores == found.accuracy.reference
    assert found.auroc.scores == found.auroc.reference
    assert len(set(found.auroc.scores)) > 1  # each seed has a forest of its own


def test_the_scores_are_those_of_the_judge():
    X, y = np.random.default_rng(0).normal(size=(100, 2)), np.tile([0, 1], 50)
    X[:, 0] += y
    train, test = np.column_stack([X, y])[:60], np.column_stack([X, y])[60:]
    found = transfer(train, train[::-1], test, 2, LogisticRegression(), seeds=1)
    fitted = LogisticRegression().fit(train[:, :2], train[:, 2])
    assert found.accuracy.floor == pytest.approx(fitted.score(test[:, :2], test[:, 2]))
    assert found.auroc.floor == pytest.approx(roc_auc_score(test[:, 2], fitted.decision_function(test[:, :2])))
    assert str(found).startswith("accuracy 0.")


def test_of_several_classes_the_area_is_the_mean_over_them():
    rng = np.random.default_rng(0)
    y = np.arange(150) % 3
    data = np.column_stack([rng.normal(size=(150, 2)) + y[:, None], y])
    train, test = data[:90], data[90:]
    found = transfer(train, train, test, "2", GaussianNB(), seeds=1)
    chances = GaussianNB().fit(train[:, :2], train[:, 2]).predict_proba(test[:, :2])
    assert found.auroc.score == pytest.approx(roc_auc_score(test[:, 2], chances, multi_class="ovr"))


def test_a_class_that_was_never_made_is_never_told():
    only = FRESH[FRESH["label"] == "yes"]
    found = transfer(TRAIN, only, TEST, "label", seeds=1)
    assert found.auroc.score == 0.5
    assert found.accuracy.score == pytest.approx((TEST["label"] == "yes").mean())


def test_missing_values_and_new_classes_among_the_features_are_seen():
    made = FRESH.assign(city=FRESH["city"].where(FRESH["a"] < 1, "Lima"))
    made.loc[:20, "a"] = np.nan
    made.loc[5:30, "city"] = None
    assert transfer(TRAIN, made, TEST, "label", seeds=1).auroc.score > 0.85


WRONG = {
    "no such column": ({"target": "price"}, ParameterError, r"'target' of transfer must be one of .* got 'price'"),
    "no features": (
        {name: TRAIN[["label"]] for name in ("train", "made", "test")},
        ParameterError,
        "one of at least two columns",
    ),
    "no seeds": ({"seeds": 0}, ParameterError, "'seeds' of transfer must be an integer >= 1"),
    "no judge": ({"judge": "forest"}, ParameterError, "'judge' of transfer must be a classifier of scikit-learn"),
    "missing targets": (
        {"made": FRESH.assign(label=FRESH["label"].where(FRESH["a"] > 0))},
        DataError,
        "'label' is to be predicted, and must have no missing values",
    ),
    "foreign classes": (
        {"made": FRESH.assign(label=FRESH["label"].replace("no", "maybe"))},
        DataError,
        "'label' must hold in made only classes that train has; got 'maybe'",
    ),
    "one class": ({"test": TEST[TEST["label"] == "no"]}, DataError, "at least two classes in test; got one"),
    "other columns": ({"test": TEST.drop(columns="a")}, DataError, "train and test must have the same columns"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_bad_input_is_refused(wrong):
    changed, error, words = WRONG[wrong]
    given = {"train": TRAIN, "made": FRESH, "test": TEST, "target": "label"} | changed
    with pytest.raises(error, match=words):
        transfer(**given)


def test_missing_numbers_as_targets_are_refused():
    table = np.array([[1.0, 0.0], [2.0, np.nan], [3.0, 1.0]])
    with pytest.raises(DataError, match="must have no missing values"):
        transfer(table, table, table, 1)
