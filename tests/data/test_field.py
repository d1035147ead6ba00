import datetime as dt
import json

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from diabolo.data import Field
from diabolo.data.field import number_fields
from diabolo.errors import DataError, DiaboloWarning, FileError


def texts(*values):
    return np.array(values, dtype=object)


def dates(*values):
    return np.array(values, dtype="M8[us]")


def encoded(field, values):
    out = np.full((len(values), field.width), np.nan)
    return out, field.encode(values, out)


def there_and_back(field, values):
    return field.decode(encoded(field, values)[0])


magnitudes = st.floats(-1e300, 1e300)


@given(st.lists(magnitudes, min_size=1, max_size=30))
def test_numbers_come_back(values):
    x = np.array(values)
    back = there_and_back(Field.of("a", "number", x), x)
    assert np.abs(back - x).max() <= 1e-6 * np.abs(x).max()


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=9), st.floats(-1e299, 1e299))
@example([0.0, 0.0], 8e299)
def test_what_was_never_seen_comes_back_too(values, new):  # up to 1e300 deviations, where numbers are cut
    x = np.array([new])
    back = there_and_back(Field.of("a", "number", np.array([*values, 1.0, 2.0])), x)
    np.testing.assert_allclose(back, x, rtol=1e-6, atol=1e-6)


def test_beyond_1e300_deviations_numbers_are_cut():
    field = Field.of("a", "number", np.array([0.0, 0.0, 1.0, 2.0]))
    back = there_and_back(field, np.array([9e299, -1e307]))
    np.testing.assert_allclose(back, [1e300 * field.scale, -1e300 * field.scale], rtol=2e-6)


@pytest.mark.filterwarnings("ignore:Column 'a' has .*9")  # of what may stand for unknown, by luck
@given(st.lists(st.none() | st.floats(-1e6, 1e6), min_size=1, max_size=20).filter(lambda x: None in x and any(x)))
def test_missing_numbers_are_zero_indicated_and_missing_again(values):
    x = np.array(values, dtype=float)
    field = Field.of("a", "number", x)
    out, here = encoded(field, x)
    np.testing.assert_array_equal(here, ~np.isnan(x))
    np.testing.assert_array_equal(out[:, 1], np.isnan(x))
    assert not out[~here, 0].any()
    np.testing.assert_array_equal(np.isnan(field.decode(out)), np.isnan(x))


@given(st.lists(st.sampled_from("abcdefg") | st.text(max_size=3) | st.none(), min_size=1, max_size=60).filter(any))
@pytest.mark.filterwarnings("ignore:.* is taken for text")
def test_categories_come_back(values):
    x = texts(*values)
    np.testing.assert_array_equal(there_and_back(Field.of("a", "category", x), x), x)


def test_numbers_have_mean_0_and_deviation_1_with_all_their_digits():
    x = 1e9 + np.random.default_rng(0).uniform(-1.7, 1.7, 1000)
    z, _ = encoded(Field.of("a", "number", x), x)
    assert abs(z.mean()) < 1e-7
    assert z.std() == pytest.approx(1, rel=1e-7)
    assert np.ptp(z) == pytest.approx(np.ptp(x) / x.std(), rel=1e-7)


def test_tails_are_logarithmic_beyond_three_deviations():
    field = Field("a", "number")
    out, _ = encoded(field, np.array([-3.0, 3.0, 2 + np.e, -2 - np.e, 1e6, 1e300]))
    expected = [-3, 3, 4, -4, 3 + np.log1p(1e6 - 3), 3 + 300 * np.log(10)]
    np.testing.assert_allclose(out[:, 0], expected, rtol=1e-12)
    near, _ = encoded(field, 3 + np.array([-1e-9, 1e-9]))
    assert np.ptp(near) == pytest.approx(2e-9, rel=1e-6)


@pytest.mark.parametrize("guess", [1e4, -1e4, np.inf, 1e300])
def test_any_guess_of_a_net_is_a_finite_number(guess):
    value = Field("a", "number", 5.0, 1e200).decode(np.array([[guess]]))
    assert np.isfinite(value).all()
    assert np.sign(value) == np.sign(guess)


def test_numbers_beyond_float64_in_deviations_are_cut():
    field = Field("a", "number", -1e308, 1e-300)
    out, here = encoded(field, np.array([1.7e308]))
    assert here.all()
    assert out[0, 0] == pytest.approx(3 + 300 * np.log(10))


@pytest.mark.parametrize(("constant", "scale"), [(5.0, 5.0), (0.25, 1.0), (0.0, 1.0), (-1e300, 1e300)])
def test_a_constant_comes_back_and_a_little_beside_it_is_little(constant, scale):
    field = Field.of("a", "number", np.full(1000, constant))
    assert field == Field("a", "number", constant, scale)
    out, _ = encoded(field, np.array([constant, constant + 0.001]))
    assert out[0, 0] == 0
    assert abs(out[1, 0]) <= 0.0011
    assert field.decode(out)[0] == constant


def test_rounding_is_no_spread():
    field = Field.of("a", "number", np.array([0.3, 0.1 + 0.2]))
    assert field.scale == 1
    assert Field.of("a", "number", np.array([0.3, 0.3 + 1e-9])).scale == pytest.approx(5e-10, rel=1e-4)


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float16", "float32", "longdouble"])
def test_numbers_of_any_type_are_computed_in_float64(dtype):
    x = np.array([1, 2, 3, 4], dtype=dtype)
    field = Field.of("a", "number", x)
    assert (field.shift, field.scale) == (2.5, np.sqrt(1.25))
    np.testing.assert_allclose(there_and_back(field, x), [1, 2, 3, 4], rtol=1e-15)


@pytest.mark.parametrize("bad", [[np.inf, 1.0], [-np.inf, np.nan], [-1.7e308, 1.7e308]])
def test_infinity_is_refused_in_training(bad):
    x = np.column_stack([[np.nan, 2.0], bad])
    with pytest.raises(DataError, match=r"Column 'b' must hold finite numbers; got infinity.*too far apart. Clip them"):
        number_fields(("a", "b"), x)


@pytest.mark.parametrize("bad", [np.inf, -np.inf])
def test_infinity_is_refused_after_training(bad):
    with pytest.raises(DataError, match=r"Column 'b' .*; got infinity"):
        encoded(Field("b", "number"), np.array([np.nan, bad]))


def test_categories_are_ordered_by_frequency_then_name():
    field = Field.of("a", "category", texts("z", "b", "a", "z", None))
    assert field == Field("a", "category", categories=("z", "a", "b"), missing=True)
    assert field.parts == ("a=z", "a=a", "a=b", "a=other", "a missing")


def test_an_unseen_category_is_other_and_a_missing_one_is_none():
    field = Field.of("a", "category", texts("x", "y", "x", None))
    out, here = encoded(field, texts("new", "y", None))
    assert out.tolist() == [[0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1]]
    assert here.tolist() == [True, True, False]
    assert field.decode(out).tolist() == ["other", "y", None]


def test_what_is_missing_only_after_training_is_zero_throughout():
    for field, x in ((Field("a", "number"), np.array([np.nan])), (Field("a", "category"), texts(None))):
        out, here = encoded(field, x)
        assert out.tolist() == [[0]]
        assert not here.any()


def test_64_categories_are_kept():
    names = [f"{i:03}" for i in range(100)]
    field = Field.of("a", "category", texts(*names, *names, *names[:70]))
    assert field.categories == tuple(names[:64])
    assert field.width == 65
    out, _ = encoded(field, texts("063", "064"))
    assert out.argmax(1).tolist() == [63, 64]


def test_identifiers_are_refused_but_not_many_categories_or_few_rows():
    ids = [f"user{i}" for i in range(65)]
    message = r"Column 'who' must hold categories; got 65 distinct texts in 129 rows, like an identifier: drop it, pass"
    with pytest.raises(DataError, match=message):
        Field.of("who", "category", texts(*ids, *ids[:64]))
    assert Field.of("who", "category", texts(*ids, *ids)).width == 65
    assert Field.of("who", "category", texts(*ids[:64])).width == 65


def test_one_text_among_numbers_is_told_of():
    ages = [str(age) for age in range(18, 90)] * 5
    with pytest.warns(DiaboloWarning, match=r"'age' is taken for text: its 73 .* all numbers but '\?'.*by NaN") as told:
        assert Field.of("age", "category", texts(*ages, "?")).width == 65
    assert len(told) == 1
    with pytest.raises(
        DataError, match=r"got 152 distinct texts in 154 rows, all of them numbers but 'nan', 'n/a': repl"
    ):
        Field.of("age", "category", texts(*map(str, range(150)), "nan", "n/a", "nan", "nan"))
    Field.of("code", "category", texts(*ages))  # digits that are meant as text
    Field.of("code", "category", texts(*"123456789", "X"))  # one in ten


def test_texts_that_are_mostly_rare_are_told_of():
    mails = [f"{i}@example.org" for i in range(450)]
    with pytest.warns(
        DiaboloWarning, match=r"'who' holds 450 distinct .* in 19 % of the rows: .* an identifier"
    ) as told:
        Field.of("who", "category", texts(*mails, *mails, *mails[:100]))
    assert len(told) == 1
    Field.of("town", "category", texts(*mails, *mails[:10] * 50))


def test_dates_are_cyclic():
    hours = np.arange(24 * 7 * 3) * np.timedelta64(1, "h")
    field = Field.of("at", "date", np.datetime64("2024-01-01", "us") + hours)
    out, _ = encoded(field, dates("2024-01-01T00:00", "2024-01-08T06:00", "1969-12-29T12:00", "2031-01-01T00:00"))
    root = np.sqrt(2)
    time, weekday, year = out[:, :2], out[:, 2:4], out[:, 4:]
    np.testing.assert_allclose(time, root * np.array([[0, 1], [1, 0], [0, -1], [0, 1]]), atol=1e-12)
    np.testing.assert_allclose(weekday[:3], [[0, root]] * 3, atol=1e-12)  # Mondays
    np.testing.assert_allclose(weekday[3], root * np.array([np.sin(4 * np.pi / 7), np.cos(4 * np.pi / 7)]))
    np.testing.assert_allclose(year[[0, 3]], [[0, root]] * 2, atol=1e-12)
    np.testing.assert_allclose(np.square(out).sum(1), 6)


def test_encoded_dates_have_variance_1():
    days = np.datetime64("2020-01-01", "us") + np.arange(0, 24 * 365 * 4, 5) * np.timedelta64(1, "h")
    out, _ = encoded(Field.of("at", "date", days), days)
    np.testing.assert_allclose(out.std(0), 1, atol=0.01)


def test_a_time_of_day_is_encoded_only_if_there_was_one():
    field = Field.of("at", "date", dates("2024-03-12", "NaT"))
    assert field == Field("at", "date", missing=True)
    assert field.parts == (
        "at weekday sine",
        "at weekday cosine",
        "at day of year sine",
        "at day of year cosine",
        "at missing",
    )
    timed = Field.of("at", "date", dates("2024-03-12", "2024-03-12T00:00:00.000001"))
    assert (timed.clock, timed.width, timed.parts[0]) == (True, 6, "at time of day sine")


@given(st.datetimes())
@example(dt.datetime(2024, 2, 29))
@example(dt.datetime(1900, 3, 1))
def test_dates_become_words(when):
    x = dates(when.replace(second=0, microsecond=0))
    weekday = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[when.weekday()]
    month = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"][when.month - 1]
    assert there_and_back(Field("at", "date", clock=True), x) == [f"{weekday} {when:%H:%M}, {when.day} {month}"]
    assert there_and_back(Field("at", "date"), x) == [f"{weekday}, {when.day} {month}"]


def test_dates_that_are_missing_come_back_as_none():
    field = Field("at", "date", missing=True, clock=True)
    x = dates("2023-03-12T23:59", "NaT", "2023-12-31T00:00")
    assert there_and_back(field, x).tolist() == ["Sun 23:59, 12 Mar", None, "Sun 00:00, 31 Dec"]
    assert field.decode(np.full((1, 7), np.nan))[0] == "Mon 00:00, 1 Jan"


@pytest.mark.parametrize(
    ("kind", "nothing"),
    [
        ("number", np.array([np.nan, np.nan])),
        ("category", texts(None, None)),
        ("date", dates("NaT", "NaT")),
    ],
)
def test_a_column_of_which_all_is_missing_is_kept(kind, nothing):
    with pytest.warns(DiaboloWarning, match=r"All values are missing in column 'a'; drop it"):
        field = Field.of("a", kind, nothing)
    assert field == Field("a", kind, 0, 1, missing=True)
    out, here = encoded(field, nothing)
    assert not here.any()
    assert out.tolist() == [[0] * (field.width - 1) + [1]] * 2


FIELDS = [
    Field("a", "number", 1e9, 1e-3, missing=True),
    Field("ü", "category", categories=("x", ""), missing=True),
    Field("at", "date", clock=True),
]


@pytest.mark.parametrize("field", FIELDS)
def test_fields_travel_as_json(field):
    back = Field.from_json(json.loads(json.dumps(field.to_json())))
    assert back == field
    assert hash(back) == hash(field)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": 3}, "a field must have a name and kind, shift"),
        ({"more": 1}, "a field must have a name and kind, shift"),
        ({"kind": "image"}, "'kind' of a field must be 'number' or 'category' or 'date'; got 'image'"),
        ({"kind": ["number"]}, "'kind' of a field must be .*; got a list"),
        ({"shift": float("nan")}, "'shift' of a field must be a number; got nan"),
        ({"shift": True}, "'shift' of a field must be a number; got True"),
        ({"scale": 0.0}, "'scale' of a field must be a number > 0; got 0.0"),
        ({"scale": float("inf")}, "'scale' of a field must be a number > 0; got inf"),
        ({"scale": 10**400}, "'scale' of a field"),
        ({"categories": "abc"}, "'categories' of a field must be at most 64 distinct texts; got 'abc'"),
        ({"categories": ["a", "a"]}, "at most 64 distinct texts; got a list"),
        ({"categories": [1]}, "at most 64 distinct texts"),
        ({"categories": [str(i) for i in range(65)]}, "at most 64 distinct texts"),
        ({"missing": 1}, "'missing' of a field must be True or False; got 1"),
        ({"clock": None}, "'clock' of a field must be True or False; got None. It was edited or is foreign: save it"),
    ],
)
def test_hostile_descriptions_are_refused(change, words):
    with pytest.raises(FileError, match=words):
        Field.from_json(FIELDS[0].to_json() | change)


@pytest.mark.parametrize("plain", [None, [], "field", {}, {1: 2}, {"name": "a"}])
def test_what_describes_no_field_is_refused(plain):
    with pytest.raises(FileError, match="a field must have a name"):
        Field.from_json(plain)


def test_endless_nesting_is_refused():
    nested = []
    for _ in range(10_000):
        nested = [nested]
    with pytest.raises(FileError, match="'shift' of a field"):
        Field.from_json(FIELDS[0].to_json() | {"shift": nested})
