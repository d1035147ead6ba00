"""Tables of mixed columns as numbers, likelihoods and masks; and back in the form they came in."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.anomalies import orders, plane, quick

from diabolo import Recipe, likelihoods
from diabolo.data import Field, Schema
from diabolo.errors import FileError, ParameterError
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


def test_columns_called_by_number_keep_their_numbers():
    frame = pd.DataFrame(plane(60)[:, :3], columns=[3, 1, 2])
    detector = quick().fit(frame)
    assert list(detector.explain(frame).columns) == list(detector.reconstruct(frame).columns) == [3, 1, 2]
