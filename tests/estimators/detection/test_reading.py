"""How a detector reads X, and what that is not: anything of the fit before, or of one that did not come to its end."""

from itertools import permutations
from typing import Any

import numpy as np
import pytest
from tests.anomalies import hours, orders, plane, quick, turns, waves

from diabolo import Detector, Training
from diabolo.data import Schema
from diabolo.errors import DataError
from diabolo.estimators.detection.intake import learn, samples
from diabolo.estimators.detection.reading import Reading
from diabolo.nearness import BESIDE, GRAIN, ROWS
from diabolo.training import Callback

SHORT = Training(steps=10, validation=0.0)
RNG = np.random.default_rng(0)
WORLDS: dict[str, tuple[Any, Any]] = {
    "table": (None, plane(40)),
    "frame": (None, orders(40)),
    "waves": (None, waves(40)),
    "one series": (24, hours(150)),
    "many series": (12, [turns(40, 3) for _ in range(4)]),
    "pictures": (8, list(RNG.random((4, 1, 16, 20)))),
}


class FailsError(Exception):
    """Raised by a callback."""


class Failing(Callback):
    """A callback that raises when training starts."""

    def on_start(self, run):
        raise FailsError


def few(X: Any) -> Any:
    return X if isinstance(X, list) else X[:30]


def state(detector: Detector) -> dict[str, Any]:
    return dict(vars(detector))


@pytest.mark.parametrize(("first", "then"), list(permutations(WORLDS, 2)))
def test_a_fit_anew_is_as_one_from_the_beginning_or_changes_nothing(first, then):
    detector = quick(training=SHORT, window=WORLDS[first][0]).fit(WORLDS[first][1])
    window, X = WORLDS[then]
    detector.set_params(window=window)
    before = state(detector)
    with pytest.raises(FailsError):
        detector.fit(X, callbacks=[Failing()])
    assert state(detector).keys() == before.keys()
    assert all(value is before[name] for name, value in state(detector).items())
    detector.fit(X)
    fresh = quick(training=SHORT, window=window).fit(X)
    assert vars(detector).keys() == vars(fresh).keys()
    assert detector._reading == fresh._reading
    np.testing.assert_array_equal(detector.score_samples(few(X)), fresh.score_samples(few(X)))


@pytest.mark.parametrize("name", WORLDS)
def test_learning_how_to_read_sets_the_columns_only(name):
    window, X = WORLDS[name]
    detector = quick(training=SHORT, window=window)
    before = set(vars(detector))
    reading, learnt, judged = learn(detector, window, X, 0.0, seed=0)
    assert set(vars(detector)) - before <= {"n_features_in_", "feature_names_in_"}
    assert (reading.window, reading.single) == (window, name == "one series")
    assert (reading.schema is None) == (name in ("waves", "pictures"))
    assert learnt.shape == judged.shape
    assert detector.fit(X)._reading == reading
    assert samples(detector, reading, few(X)).shape == learnt.shape


def test_series_of_other_columns_are_refused_while_they_are_learned():
    X = [turns(40, 3) for _ in range(20)]
    for at in range(20):  # held out or not
        detector = quick(training=SHORT, window=8, false_alarm_rate=0.2)
        with pytest.raises(DataError, match="as many channels"):
            detector.fit([*X[:at], X[at][:, :2], *X[at + 1 :]])
        assert not hasattr(detector, "n_features_in_")


def test_what_is_near_goes_by_how_samples_are_read():
    schema = Schema.of(plane(20))
    assert Reading(schema).measure((8,)) == ROWS
    assert Reading(Schema.of(plane(20)[:, :2])).measure((2,)) == BESIDE
    assert Reading().measure((9, 2)) == BESIDE
    assert Reading(schema, window=9).measure((9, 8)) == BESIDE
    assert Reading(window=9).measure((1, 9, 9)) == GRAIN


@pytest.mark.parametrize(
    ("reading", "shape", "by_rows", "values"),
    [
        (Reading(Schema.of(orders(20))), (9,), True, len(orders(2).columns)),
        (Reading(), (9, 2), False, 18),
        (Reading(Schema.of(plane(20)), 9, True), (9, 8), True, 72),
        (Reading(Schema.of(plane(20)), 9), (9, 8), False, 72),
        (Reading(window=9), (1, 9, 9), False, 81),
    ],
)
def test_rows_and_values(reading, shape, by_rows, values):
    assert (reading.by_rows, reading.values(shape)) == (by_rows, values)
