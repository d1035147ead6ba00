"""What tables hold that hides anomalies, or makes usual rows look like some."""

import numpy as np
import pandas as pd
import pytest

from diabolo import Detector
from diabolo.estimators.detection.threshold import Threshold

RNG = np.random.default_rng(0)
ROWS = pd.DataFrame({f"v{i}": RNG.normal(size=3000) for i in range(8)}).assign(
    letter=RNG.choice(["a", "b", "c"], 3000), same="s", flag=False
)


@pytest.fixture(scope="module")
def detector():
    return Detector(random_state=0).fit(ROWS)


@pytest.mark.parametrize("column, value", [("letter", "z"), ("same", "other"), ("flag", True)])
def test_a_category_that_was_never_seen_is_an_anomaly(detector, column, value):
    strange = ROWS.head(20).assign(**{column: value})
    assert np.median(detector.p_values(strange)) < 0.01
    assert (detector.predict(strange) == -1).mean() > 0.8
    assert (detector.explain(strange).idxmax(axis=1) == column).all()


def test_rows_as_usual_stay_usual(detector):
    assert (detector.predict(ROWS) == -1).mean() < 0.02


@pytest.mark.parametrize("stray", [1e9, 99_999_999_999.0, 1e15])
def test_one_huge_value_does_not_hide_all_else(stray):
    X = np.vstack([RNG.normal(size=(300, 3)), np.full((1, 3), stray)])
    found = Detector(random_state=0).fit(X)
    assert found.predict([[0.0, 0.0, 0.0], [20.0, 20.0, 20.0], [60.0, 60.0, 60.0], [stray] * 3]).tolist() == [
        1,
        -1,
        -1,
        -1,
    ]


@pytest.mark.parametrize("columns", [1, 2])
def test_the_line_of_columns_that_repeat_others_is_that_of_the_others(columns):
    own = np.random.default_rng(1).normal(size=(400, columns))
    found = Detector(random_state=0).fit(np.hstack([own, 2 * own[:, :1] + 3, own.sum(1, keepdims=True)]))
    assert -found.offset_ == Threshold().of(found.scores_, unseen=found.out_of_fold_, columns=columns)
