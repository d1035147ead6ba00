"""Tables of mixed columns as numbers, likelihoods and masks; and back in the form they came in."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.anomalies import orders, plane, quick

from diabolo import Detector, Generator, Imputer, Recipe, Training, likelihoods
from diabolo.data import Field, Schema
from diabolo.errors import DataError, DataTypeError, DiaboloWarning, FileError, ParameterError
from diabolo.estimators.tabular import likelihood_of, per_field, restored, rows, seen, suited
from diabolo.likelihoods import Bernoulli, Categorical, Mixed, SquaredError


@pytest.fixture(scope="module")
def fitted():
    return quick().fit(orders(300))


@given(
    st.lists(
        st.tuples(st.sampled_from(["number", "category", "date"]), st.booleans(), st.integers(1, 5)),
        min_size=1,
        max_size=6,
    )
)
def test_every_encoded_number_has_a_likelihood_a_mask_and_a_field(columns):
    schema = Schema(
        tuple(
            Field(str(i), kind, categories=tuple("abcde"[:count]) if kind == "category" else (), missing=missing)
            for i, (kind, missing, count) in enumerate(columns)
        )
    )
    likelihood = likelihood_of(schema)
    kinds = [
        own
        for kind, missing, count in columns
        for own in ["one-hot"] * (count + 1) * (kind == "category")
        + ["real"] * {"number": 1, "category": 0, "date": 4}[kind]
        + ["unit"] * missing
    ]
    assert list(likelihood.domains(schema.width)) == kinds
    assert likelihood.shape((schema.width,)) == (schema.width,)
    mask = seen(schema, np.zeros((2, len(columns)), dtype=bool))
    assert mask.shape == (2, schema.width)
    assert mask.sum(1).tolist() == [sum(field.missing for field in schema.fields)] * 2
    assert seen(schema, np.ones((2, len(columns)), dtype=bool)).all()
    assert per_field(schema, np.ones((3, schema.width))).tolist() == [[field.width for field in schema.fields]] * 3


def test_neighbouring_numbers_share_a_likelihood_and_categories_do_not():
    fields = [Field(str(i), "number", missing=i == 2) for i in range(3)]
    fields += [Field(name, "category", categories=("x", "y")) for name in "ab"]
    assert likelihood_of(Schema(tuple(fields))) == Mixed(
        (SquaredError(), Bernoulli(), Categorical(3), Categorical(3)), (3, 1, 3, 3)
    )


def test_the_likelihood_is_chosen_or_must_fit():
    schema = Schema((Field("a", "number"), Field("b", "category", categories=("x", "y"))))
    assert suited(Recipe(), schema).likelihood == likelihood_of(schema)
    for likelihood in (likelihoods.Laplace(), Mixed((SquaredError(), Bernoulli()), (1, 3))):
        assert suited(Recipe(likelihood=likelihood), schema).likelihood == likelihood
    with pytest.raises(ParameterError, match=r"'likelihood' .* any numbers.* 'a' .*got Bernoulli\(\)"):
        suited(Recipe(likelihood=Bernoulli()), schema)
    with pytest.raises(ParameterError, match="'likelihood'"):
        quick(recipe=Recipe(likelihood=Bernoulli())).fit(plane(50))


def test_rows_come_in_the_form_of_the_table():
    frame, index = orders(9), np.array([1, 4])
    pd.testing.assert_frame_equal(rows(frame, index), frame.iloc[index])
    assert rows(pl.from_pandas(frame), index).equals(pl.from_pandas(frame)[[1, 4]])
    assert rows([[1.5, "a"], [2.5, "b"]], np.array([1])).tolist() == [[2.5, "b"]]
    np.testing.assert_array_equal(rows(torch.eye(3), index[:1]), [[0, 1, 0]])


def test_a_schema_of_another_model_is_refused():
    schema = Schema((Field("a", "number"), Field("b", "number", missing=True)))
    assert restored(schema.to_json(), (3,), 2) == schema
    assert restored(None, (1, 8, 8), 1) is None
    for plain, shape, columns in (
        (schema.to_json(), (4,), 2),
        (schema.to_json(), (3,), 3),
        (schema.to_json(), (3, 1), 2),
        (None, (3,), 2),
        ({"fields": []}, (3,), 2),
    ):
        with pytest.raises(FileError):
            restored(plain, shape, columns)


def test_polars_pandas_and_objects_are_the_same_table(fitted):
    frame = orders(300)
    expected = fitted.score_samples(frame)
    polars = pl.from_pandas(frame)
    np.testing.assert_array_equal(quick().fit(polars).score_samples(polars), expected)
    objects = frame.astype(object).to_numpy()
    np.testing.assert_array_equal(quick().fit(objects).score_samples(objects), expected)
    lists = [[None if value is pd.NA else value for value in row] for row in objects.tolist()]
    np.testing.assert_array_equal(quick().fit(lists).score_samples(lists), expected)
    numbers = frame.drop(columns=["city", "paid", "when"])
    array = numbers.to_numpy(dtype=float, na_value=np.nan)
    np.testing.assert_array_equal(quick().fit(array).score_samples(array), quick().fit(numbers).score_samples(numbers))


def test_reasons_and_expectations_come_as_the_table(fitted):
    frame = orders(40, seed=1)
    polars = pl.from_pandas(frame)
    parts, back = fitted.explain(frame), fitted.reconstruct(frame)
    for table in (parts, back):
        assert list(table.columns) == list(frame.columns)
        pd.testing.assert_index_equal(table.index, frame.index)
    np.testing.assert_allclose(parts.sum(axis=1), -fitted.score_samples(frame), rtol=1e-9)
    assert set(back["city"]) <= {"Rome", "Oslo", "Bern"}  # as text, and none is missing
    assert set(back["paid"]) <= {"True", "False"}
    assert back["when"].str.fullmatch(r"\w{3} \d\d:\d\d, \d+ \w{3}").all()
    assert back[["price", "weight", "kids"]].notna().all(axis=None)
    again = quick().fit(pl.from_pandas(orders(300)))
    np.testing.assert_array_equal(again.explain(polars).to_numpy(), parts.to_numpy())
    assert again.reconstruct(polars).to_dict(as_series=False) == back.to_dict("list")
    assert again.reconstruct(polars).schema["city"] == pl.String
    objects = quick().fit(orders(300).astype(object).to_numpy()).reconstruct(frame.astype(object).to_numpy())
    assert objects.tolist() == back.to_numpy(dtype=object).tolist()


def test_columns_go_by_name_in_any_order(fitted):
    frame = orders(40, seed=1)
    turned = frame[frame.columns[::-1]]
    expected = fitted.score_samples(frame)
    np.testing.assert_array_equal(fitted.score_samples(turned), expected)
    np.testing.assert_array_equal(fitted.score_samples(pl.from_pandas(turned)), expected)
    parts = fitted.explain(turned)
    assert list(parts.columns) == list(turned.columns)
    pd.testing.assert_frame_equal(parts[frame.columns], fitted.explain(frame))
    pd.testing.assert_frame_equal(
        fitted.findings(turned).iloc[:, len(frame.columns) :], fitted.findings(frame).iloc[:, len(frame.columns) :]
    )
    lost = r"missing: 'city', not known: 'more'. Rename or add columns, take those of training with X\[columns\]"
    with pytest.raises(DataError, match=lost) as told:
        fitted.score_samples(turned.drop(columns="city").assign(more=1))
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("job", [Detector, Imputer, Generator])
def test_columns_called_by_text_and_by_number_are_refused_in_a_sentence(job):
    frame = pd.DataFrame(plane(60)[:, :2], columns=["a", 1])
    with pytest.raises(
        DataTypeError, match=r"columns called by text, or all by something else; got int and str. Rename"
    ):
        job().fit(frame)


IDS = {
    "Unnamed: 0": np.arange(60),
    "falls": 7.0 - 3 * np.delete(np.arange(66), [5, 9, 10, 11, 33, 50]),
    "text": [str(i % 7) for i in range(60)],
    "steps": np.arange(60) // 2,
}


@pytest.mark.parametrize("form", ["pandas", "polars", "array", "lists"])
@pytest.mark.parametrize("job", [Detector, Imputer])
def test_columns_that_number_the_rows_are_told_of_once(job, form):
    frame = pd.DataFrame(IDS)
    X, cure = {
        "pandas": (frame, "X.drop(columns=['Unnamed: 0', 'falls'])"),
        "polars": (pl.from_pandas(frame), "X.drop(['Unnamed: 0', 'falls'])"),
        "array": (frame.drop(columns="text").to_numpy(), "np.delete(X, [0, 1], axis=1)"),
        "lists": (frame.to_numpy(dtype=object).tolist(), "np.delete(X, [0, 1], axis=1)"),
    }[form]
    told = warnings_of(job(training=Training(steps=2)).fit, X)
    assert len(told) == 1
    assert "numbers the rows" in told[0] and cure in told[0]


def test_what_does_not_number_the_rows_is_not_told_of():
    rng, count = np.random.default_rng(0), np.arange(60.0)
    for column in (
        rng.permutation(count),
        np.r_[1, 0, count[2:]],
        3 * np.square(count),
        count / 8,
        np.where(count == 9, np.nan, count),
        0 * count,
    ):
        assert not warnings_of(Detector(training=Training(steps=2)).fit, np.column_stack([column, rng.normal(size=60)]))
    few = np.column_stack([count, rng.normal(size=60)])[:49]
    assert not warnings_of(Detector(training=Training(steps=2)).fit, few)
    assert not warnings_of(Detector(training=Training(steps=2)).fit, count[:, None])  # nothing would be left


@pytest.mark.parametrize("job", [Detector, Imputer, Generator])
def test_odd_texts_are_told_of_once(job):
    rng = np.random.default_rng(0)
    ages = pd.Series(rng.integers(18, 90, 400).astype(str)).where(np.arange(400) != 7, "?")
    told = warnings_of(job(training=Training(steps=2)).fit, pd.DataFrame({"age": ages, "x": rng.normal(size=400)}))
    assert len(told) == 1 and "'age' is taken for text" in told[0]


def warnings_of(fit, X):
    """Return the sentences that a fit warns with."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        fit(X)
    return [str(each.message) for each in told if isinstance(each.message, DiaboloWarning)]


def test_columns_called_by_number_keep_their_numbers():
    frame = pd.DataFrame(plane(60)[:, :3], columns=[3, 1, 2])
    detector = quick().fit(frame)
    assert list(detector.explain(frame).columns) == list(detector.reconstruct(frame).columns) == [3, 1, 2]
