"""The benchmark of the classics on made-up codes: the regression that reads them, and what is done to them before."""

import numpy as np
import pytest
import torch
from benchmarks import features_classics as classics
from benchmarks.features_classics import Case, Chosen, Digits, Found
from scipy.sparse import csr_array

from diabolo import Recipe


def _apart(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return codes (rows, 12) of ten kinds that a linear rule tells apart, and the kinds."""
    draw = np.random.default_rng(seed)
    y = draw.integers(0, 10, rows)
    Z = np.eye(12, dtype=np.float32)[y] + 0.1 * draw.standard_normal((rows, 12), dtype=np.float32)
    return 5 * Z + 100, y


def test_the_regression_learns_what_is_linear_whatever_the_units():
    (Z, y), (test, true) = _apart(600), _apart(200, seed=1)
    chosen = Chosen.of(Z, test, y, held_out=100, steps=60)
    assert chosen.price in classics.PRICES
    assert chosen.held_out < 2
    assert chosen.error(Digits(Z, y, test, true), steps=60) < 2
    assert chosen.error(Digits(Z, np.roll(y, 1), test, true), steps=60) > 60  # labels of other rows


def test_each_price_has_weights_of_its_own():
    Z, y = _apart(300)
    Z, y = torch.from_numpy((Z - Z.mean(0)) / Z.std(0)), torch.from_numpy(y)
    both = classics.regression(Z, y, (1e-3, 10.0), 40)
    small, large = both.unflatten(1, (2, 10)).unbind(1)
    assert small[:-1].norm() > 5 * large[:-1].norm()
    assert torch.allclose(classics.regression(Z, y, (1e-3,), 40), small, atol=1e-4)


def test_a_wrong_label_in_four_is_25_per_cent():
    W = torch.zeros(11, 10)
    W[:10] = torch.eye(10)
    found = classics.errors(W, torch.eye(10)[[0, 1, 2, 3]], torch.tensor([0, 1, 2, 9]))
    assert found.tolist() == [25]


def test_codes_are_counted_from_their_smallest_entry():
    codes = csr_array(np.array([[0.0, 3.0, 1.0], [-2.0, 0.0, -1.5]]))
    assert classics.faded(codes).tolist() == [[0.0, 2.0, 0.0], [0.0, 0.0, 0.5]]


def test_the_row_of_a_page_has_means_and_spread():
    found = [Found(1.5, 1e-3, 3.0, 0.1, 25.0, 40.0), Found(1.7, 1e-4, 6.0, 0.1, 25.0, 60.0)]
    row = classics.line(Case("k-sparse", Recipe(), 1.35), 20, found)
    assert row == "| k-sparse | 1.60 ± 0.14 | 1.35 | 20 | 3, 6 | 0.0001, 0.001 | 0.100 | 25.0 | 50 |"


@pytest.mark.filterwarnings("ignore::diabolo.errors.DiaboloWarning")  # not better than PCA, after one step
@pytest.mark.parametrize("name", [name for name, case in classics.CASES.items() if case.recipe])
def test_every_row_learns_and_codes(name):
    draw = np.random.default_rng(0)
    X = (draw.random((40, 9)) * (draw.random((40, 9)) < 0.5)).astype(np.float32)
    estimator = classics.CASES[name].estimator(0, 1)
    estimator.n_components = 80
    estimator.fit(X)
    assert classics.written(estimator.transform(X)).shape == (40, 80)
