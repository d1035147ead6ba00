"""A fit that fails leaves an estimator as it was; one that succeeds leaves nothing of the one before."""

import numpy as np
import pandas as pd
import pytest
from tests.tastes import tastes

from diabolo import (
    Colorizer,
    Compressor,
    Denoiser,
    Detector,
    Dictionary,
    Generator,
    Imputer,
    Pretrainer,
    Recommender,
    Reducer,
    Training,
    fit_together,
    load,
)
from diabolo.errors import ParameterError
from diabolo.estimators import Classifier
from diabolo.training import Callback

pytestmark = pytest.mark.filterwarnings("ignore::diabolo.errors.DiaboloWarning")  # eight steps are few

SHORT = Training(steps=8)
RNG = np.random.default_rng(0)
ROWS, WIDER = RNG.normal(size=(40, 3)), RNG.normal(size=(40, 5))
PICTURES = RNG.random((12, 1, 16, 16)).astype(np.float32)


class FailsError(Exception):
    """Raised by a callback."""


class Failing(Callback):
    """A callback that raises when training starts."""

    def on_start(self, run):
        raise FailsError


def learned(estimator):
    return {name: value for name, value in vars(estimator).items() if name.endswith("_") or name.startswith("_")}


TABLES = [
    Reducer(2, training=SHORT, random_state=0),
    Detector(training=SHORT, random_state=0),
    Generator(2, training=SHORT, random_state=0),
    Denoiser(2, training=SHORT, random_state=0),
    Imputer(training=SHORT, random_state=0),
    Pretrainer(2, training=SHORT, random_state=0),
    Dictionary(8, k=2, training=SHORT, random_state=0),
]


@pytest.mark.parametrize("estimator", TABLES, ids=lambda e: type(e).__name__)
def test_a_fit_that_fails_changes_nothing(estimator):
    estimator.fit(ROWS)
    before = learned(estimator)
    with pytest.raises(FailsError):
        estimator.fit(WIDER, callbacks=[Failing()])
    after = learned(estimator)
    assert after.keys() == before.keys()
    assert all(after[name] is before[name] for name in before)


@pytest.mark.parametrize("estimator", TABLES, ids=lambda e: type(e).__name__)
def test_a_first_fit_that_fails_leaves_it_unfitted(estimator):
    fresh = type(estimator)(**estimator.get_params(deep=False))
    with pytest.raises(FailsError):
        fresh.fit(ROWS, callbacks=[Failing()])
    assert not learned(fresh)


def test_labels_that_do_not_fit_change_nothing():
    classifier = Classifier(2, training=SHORT, random_state=0).fit(ROWS, np.arange(40) % 2)
    expected = classifier.predict(ROWS)
    with pytest.raises(ValueError):
        classifier.fit(WIDER, None)
    np.testing.assert_array_equal(classifier.predict(ROWS), expected)
    generator = Generator(2, training=SHORT, random_state=0).fit(ROWS)
    with pytest.raises(ValueError):
        generator.fit(WIDER, np.arange(7))
    assert generator.sample(2, seed=0).shape == (2, 3)


def test_other_jobs_change_as_a_whole_too():
    colours = RNG.integers(0, 256, (10, 3, 16, 16), np.uint8)
    colorizer = Colorizer(training=SHORT, random_state=0).fit(colours)
    before = learned(colorizer)
    with pytest.raises(FailsError):
        colorizer.fit(colours[:8], callbacks=[Failing()])
    assert learned(colorizer) == before
    compressor = Compressor(random_state=0).fit(ROWS)
    data = compressor.compress(ROWS)
    with pytest.raises(ValueError):
        compressor.fit(np.array(["a", "b"], dtype=object))
    np.testing.assert_allclose(compressor.decompress(data), ROWS, atol=1)
    recommender = Recommender().fit(tastes())
    known = learned(recommender)
    with pytest.raises(ValueError):
        recommender.fit(-1 * tastes())
    assert learned(recommender) == known


def test_together_all_change_or_none():
    reducers = [Reducer(n, training=SHORT, random_state=0).fit(ROWS) for n in (1, 2)]
    before = [learned(reducer) for reducer in reducers]
    with pytest.raises(FailsError):
        fit_together(reducers, WIDER, callbacks=[Failing()])
    assert [learned(reducer) for reducer in reducers] == before


@pytest.mark.parametrize("job", [Denoiser, Imputer])
def test_names_of_columns_do_not_outlive_the_frame(job, tmp_path):
    estimator = job(training=SHORT, random_state=0).fit(pd.DataFrame(ROWS, columns=list("abc")))
    estimator.fit(PICTURES)
    assert not hasattr(estimator, "feature_names_in_")
    estimator.save(tmp_path / "model")
    assert load(tmp_path / "model").n_features_in_ == 1


def test_names_of_columns_do_not_outlive_the_frame_together(tmp_path):
    reducers = [Reducer(n, training=SHORT, random_state=0) for n in (1, 2)]
    reducers[0].fit(pd.DataFrame(ROWS, columns=list("abc")))
    for reducer in fit_together(reducers, WIDER):
        assert reducer.n_features_in_ == 5
        reducer.save(tmp_path / str(reducer.n_components))
        assert load(tmp_path / str(reducer.n_components)).transform(WIDER).shape == (40, reducer.n_components)


def test_a_temperature_of_a_copy_is_its_own():
    import copy

    colours = RNG.integers(0, 256, (10, 3, 16, 16), np.uint8)
    one = Colorizer(training=SHORT, random_state=0).fit(colours)
    expected, recipe = one.transform(colours[:2]), one.recipe_
    other = copy.copy(one).set_params(temperature=0.9)
    assert not np.array_equal(other.transform(colours[:2]), expected)
    assert one.recipe_ == recipe
    np.testing.assert_array_equal(one.transform(colours[:2]), expected)


@pytest.mark.parametrize("seed", ["a", -1, 2**32, np.random.default_rng(0)], ids=("text", "low", "high", "generator"))
@pytest.mark.parametrize("estimator", TABLES, ids=lambda e: type(e).__name__)
def test_a_seed_that_is_none_is_refused_in_a_sentence(estimator, seed):
    with pytest.raises(ParameterError, match=r"'random_state' of \w+ must be None, an integer from 0 to 4294967295 or"):
        type(estimator)(**estimator.get_params(deep=False) | {"random_state": seed}).fit(ROWS)
