"""What a parameter may be: membership, wording, and never an error of its own."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diabolo.check import Flag, Many, Maybe, Number, OneOf, Whole, demand, shorten, unknown
from diabolo.errors import DiaboloError, ParameterError

ALLOWED = [
    Number(),
    Number(0),
    Number(0, 1),
    Number(0, 1, open_low=True, open_high=True),
    Whole(1),
    Whole(1, 9),
    OneOf("a", "b"),
    Flag(),
    Maybe(Whole(1), "all"),
    Many(Number(0), 2),
]


@pytest.mark.parametrize(
    ("allowed", "inside", "outside"),
    [
        (
            Number(),
            [0, -1.5, 10**9, np.float32(2), np.int64(3)],
            [math.nan, math.inf, 10**400, True, "1", None, 1j, [1]],
        ),
        (Number(0, 1), [0, 1, 0.5], [-1e-9, 1 + 1e-9]),
        (Number(0, 1, open_low=True), [1, 1e-9], [0]),
        (Number(0, 1, open_high=True), [0, 0.999], [1]),
        (Whole(1), [1, 2**31, np.int32(7)], [0, 2**31 + 1, 1.0, True, "1", None]),
        (Whole(-2, 2), [-2, 0, 2], [-3, 3]),
        (OneOf("a", "b"), ["a", "b"], ["c", "", None, 1, ["a"]]),
        (Flag(), [True, False], [0, 1, None, "True"]),
        (Maybe(Whole(1), "all"), [None, 1], [0, "none"]),
        (Many(Whole(1), 2), [(), (1,), (1, 2)], [(1, 2, 3), (0,), [1], 1, None, "12"]),
    ],
    ids=str,
)
def test_membership(allowed, inside, outside):
    assert all(value in allowed for value in inside)
    assert not any(value in allowed for value in outside)


@pytest.mark.parametrize(
    ("allowed", "words"),
    [
        (Number(), "a number"),
        (Number(0), "a number >= 0"),
        (Number(0, open_low=True), "a number > 0"),
        (Number(high=1), "a number <= 1"),
        (Number(high=1, open_high=True), "a number < 1"),
        (Number(0, 1, open_high=True), "a number in [0, 1)"),
        (Number(0, 1, open_low=True), "a number in (0, 1]"),
        (Whole(1), "an integer >= 1"),
        (Whole(1, 9), "an integer in [1, 9]"),
        (OneOf("a", "b"), "'a' or 'b'"),
        (Flag(), "True or False"),
        (Maybe(Whole(1), "all"), "an integer >= 1 or None (all)"),
        (Many(Whole(1), 3), "a tuple of at most 3, each an integer >= 1"),
    ],
)
def test_wording(allowed, words):
    assert str(allowed) == words


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text() | st.complex_numbers() | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@pytest.mark.parametrize("allowed", ALLOWED, ids=str)
@given(value=ANYTHING)
def test_any_value_is_allowed_or_refused_in_one_sentence(allowed, value):
    if value in allowed:
        demand("knob", "Part", value, allowed)
        return
    with pytest.raises(ParameterError) as caught:
        demand("knob", "Part", value, allowed)
    text = str(caught.value)
    assert text.startswith(f"Parameter 'knob' of Part must be {allowed}; got ")
    assert len(text) < 250


def test_a_parameter_error_is_a_value_error_and_ours():
    assert issubclass(ParameterError, ValueError)
    assert issubclass(ParameterError, TypeError)
    assert issubclass(ParameterError, DiaboloError)


@given(ANYTHING, st.integers(1, 100))
def test_shorten_keeps_its_length(value, most):
    text = shorten(value, most)
    assert len(text) <= most
    assert text == repr(value) or text.endswith("…")


def test_unknown_names_what_is_known_and_what_was_meant():
    assert unknown("part", "Topk", ["TopK", "L1"]) == "unknown part 'Topk'; known: L1, TopK. Did you mean 'TopK'?"
    assert unknown("part", "zzz", ["TopK"]) == "unknown part 'zzz'; known: TopK."
    assert len(unknown("part", "z" * 1000, ["TopK"])) < 200
