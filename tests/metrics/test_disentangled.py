"""MIG and DCI of codes whose relation to the factors is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import mutual_info_score

from diabolo.errors import DataError, DataTypeError, ParameterError
from diabolo.metrics import dci, mig


def grid(levels=(4, 5), times=1):
    """All combinations of two factors, (20 times, 2)."""
    return np.array([[i, j] for i in range(levels[0]) for j in range(levels[1])] * times)


def test_a_dimension_for_each_factor_has_a_gap_of_one():
    factors = grid((4, 5), 3)
    assert mig(factors, factors) == pytest.approx(1)
    assert mig(-7.5 * factors[:, ::-1] + 2, factors) == pytest.approx(1)


def test_a_factor_in_two_dimensions_has_no_gap():
    factors = grid()
    assert mig(np.concatenate([factors, factors], axis=1), factors) == pytest.approx(0)


def test_half_known_by_a_second_dimension_is_half_a_gap():
    factors = grid((4, 2), 4)
    half = factors[:, :1] // 2  # one bit of two
    assert mig(np.concatenate([factors, half], axis=1), factors) == pytest.approx((0.5 + 1) / 2)


def test_a_dimension_that_mixes_factors_has_their_information_and_the_others_none():
    factors = grid((4, 4))
    mixed = factors @ np.array([[1], [4]])
    assert mig(mixed, factors) == pytest.approx(1)  # there is no second dimension to know more or less
    assert dci(np.tile(mixed, (20, 1)), np.tile(factors, (20, 1))).disentanglement == pytest.approx(0, abs=0.05)


def test_the_information_is_that_of_histograms():
    rng = np.random.default_rng(0)
    codes, factors = rng.normal(size=(300, 3)), rng.integers(0, 4, size=(300, 2))
    codes[:, 1] += factors[:, 0]
    binned = [np.digitize(x, np.linspace(x.min(), x.max(), 8)[1:-1]) for x in codes.T]
    gaps = []
    for factor in factors.T:
        known = sorted(mutual_info_score(x, factor) for x in binned)
        gaps.append((known[-1] - known[-2]) / mutual_info_score(factor, factor))
    assert mig(codes, factors, bins=7) == pytest.approx(np.mean(gaps))


def test_codes_of_nothing_have_almost_none_of_all():
    rng = np.random.default_rng(0)
    factors = rng.integers(0, 4, size=(4000, 3))
    codes = rng.normal(size=(4000, 5))
    assert mig(codes, factors) < 0.01
    found = dci(codes[:400], factors[:400])
    assert found.disentanglement < 0.1
    assert found.completeness < 0.1
    assert found.informativeness == pytest.approx(0.25, abs=0.1)


@given(st.integers(0, 999))
def test_a_gap_is_a_share_and_does_not_mind_order_and_scale(seed):
    rng = np.random.default_rng(seed)
    codes, factors = rng.normal(size=(30, 3)), rng.integers(0, 3, size=(30, 2))
    factors[:2] = [[0, 0], [1, 1]]
    value = mig(codes, factors)
    assert -1e-12 <= value <= 1 + 1e-12
    order = rng.permutation(30)
    assert mig(8 * codes[order][:, ::-1], 5 - factors[order][:, ::-1]) == pytest.approx(value)


def test_text_is_a_class_like_any_other():
    factors = grid((4, 5), 2)
    named = np.array([["abcd"[i], "vwxyz"[j]] for i, j in factors], dtype=object)
    assert mig(factors, named) == pytest.approx(1)
    assert mig(factors, named.astype(str)) == pytest.approx(1)


def test_a_perfect_code_beside_noise():
    factors = grid((4, 5), 12)
    noise = np.random.default_rng(0).normal(size=(len(factors), 2))
    found = dci(np.concatenate([factors + 0.01 * noise, noise], axis=1), factors)
    assert found.disentanglement > 0.97
    assert found.completeness > 0.97
    assert found.informativeness > 0.99
    assert found.importance.shape == (4, 2)
    assert found.importance.sum(0) == pytest.approx(1)
    assert found.importance.argmax(0).tolist() == [0, 1]


def test_a_factor_in_two_dimensions_is_disentangled_but_not_complete():
    factors = grid((4, 4), 12)
    bits = np.stack([factors[:, 0] // 2, factors[:, 0] % 2, factors[:, 1] // 2, factors[:, 1] % 2], axis=1)
    found = dci(bits, factors)
    assert found.disentanglement > 0.95
    assert found.completeness == pytest.approx(0.5, abs=0.05)  # two of four dimensions: log 2 of log 4
    assert found.informativeness == 1


def test_a_turned_code_is_informative_and_not_disentangled():
    factors = grid((6, 6), 8)
    turned = (factors - 2.5) @ np.array([[1, 1], [1, -1]]) / 2**0.5
    found = dci(turned, factors)
    assert found.disentanglement < 0.2
    assert found.informativeness > 0.95


def test_one_dimension_and_one_factor():
    factor = np.repeat([[0], [1]], 20, axis=0)
    found = dci(factor + np.linspace(0, 0.1, 40)[:, None], factor)
    assert (found.disentanglement, found.completeness, found.informativeness) == (1, 1, 1)
    nothing = dci(np.zeros((40, 1)), factor)
    assert (nothing.disentanglement, nothing.completeness) == (0, 0)


CODES = np.random.default_rng(0).normal(size=(12, 2))


WRONG = {
    "constant": (
        CODES,
        np.zeros((12, 1)),
        DataError,
        "Factor 0 must have at least 2 classes.* got 1 among 12.*Drop it",
    ),
    "numbers": (CODES, CODES, DataError, "at most half as many as there are samples; got 12 among 12.*into bins"),
    "one axis": (CODES, np.zeros(12), DataError, r"factors must have shape \(N, K\); got shape \(12,\)"),
    "ragged": (CODES, [[0, 1], [2]], DataError, "factors must have shape"),
    "fewer": (CODES, [[0], [1]], DataError, "of the same samples; got 12 and 2"),
    "NaN": (CODES, [[np.nan]] * 12, DataError, "factors must hold no missing values"),
    "None": (CODES, [["a"], [None]] * 6, DataError, "factors must hold no missing values"),
    "codes of one axis": (CODES[:, 0], [[0], [1]] * 6, DataError, "codes must have shape"),
    "text": ([["x"]] * 12, [[0], [1]] * 6, DataTypeError, "codes must be an array of real numbers"),
}


@pytest.mark.parametrize("measure", [mig, dci])
@pytest.mark.parametrize("wrong", WRONG)
def test_bad_input_is_refused(measure, wrong):
    codes, factors, error, words = WRONG[wrong]
    with pytest.raises(error, match=words):
        measure(codes, factors)


def test_bad_knobs_are_refused():
    factors = grid((2, 3), 2)
    for bins in (1, 2.5):
        with pytest.raises(ParameterError, match="'bins' of mig must be an integer >= 2"):
            mig(factors, factors, bins)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ParameterError, match="'seed' of dci must be an integer >= 0"):
        dci(factors, factors, -1)
    with pytest.raises(DataError, match="codes must hold at least 8 samples; got 6"):
        dci(factors[:6], factors[:6])
