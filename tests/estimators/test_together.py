"""Estimators fitted together are ordinary ones, as good as fitted alone."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from diabolo import Recipe, Reducer, Training, fit_together, load
from diabolo.errors import CapabilityError, DataError, DiaboloWarning, ParameterError
from diabolo.latents import Gaussian, KLSparsity
from diabolo.likelihoods import Bernoulli
from diabolo.nets import MLP, Conv
from diabolo.penalties import Neighbourhood
from diabolo.recipes import RECIPES
from diabolo.training import Callback

T = np.random.default_rng(0).uniform(-2, 2, (300, 1))
X = np.hstack([np.sin(2 * T), np.cos(2 * T), T, T**2 / 2])  # a curve, which no line follows
TRAINING = Training(epochs=60)
NET = Recipe(MLP((16, 8)))


def grid(**settings):
    return [Reducer(n, recipe=NET, training=TRAINING, random_state=n, **settings) for n in (2, 1, 3)]


def test_each_ends_fitted_and_the_widest_as_if_alone():
    fitted = fit_together(grid(), X)
    alone = Reducer(3, recipe=NET, training=TRAINING, random_state=3).fit(X)
    first, again = (reducer.history_.columns["held_out"][0] for reducer in (fitted[2], alone))
    assert first == pytest.approx(again, rel=1e-3)
    assert fitted[2].errors_["pca"] == pytest.approx(alone.errors_["pca"])
    for reducer, n in zip(fitted, (2, 1, 3), strict=True):
        assert reducer.transform(X).shape == (len(X), n)
        assert reducer.n_features_in_ == 4
        assert reducer.pca_.components.shape == (n, 4)
        assert (
            min(reducer.history_.columns["held_out"])
            == reducer.history_.columns["held_out"][reducer.history_.best_epoch - 1]
        )


def test_seeds_make_different_members_and_the_same_again():
    def codes():
        reducers = [Reducer(2, recipe=NET, training=TRAINING, random_state=seed) for seed in (0, 1)]
        return [reducer.transform(X) for reducer in fit_together(reducers, X)]

    first, again = codes(), codes()
    assert not np.allclose(first[0], first[1])
    np.testing.assert_array_equal(first, again)


def test_knobs_may_differ_and_show():
    recipes = [NET(latent=Gaussian(beta=beta)) for beta in (0.01, 10.0)]
    with pytest.warns(DiaboloWarning, match="not better than PCA"):  # a beta of 10 leaves little
        weak, strong = fit_together([Reducer(2, recipe=r, training=TRAINING, random_state=0) for r in recipes], X)
    assert np.abs(strong.transform(X)).mean() < 0.5 * np.abs(weak.transform(X)).mean()
    assert weak.recipe_ == recipes[0].settle((4,))


def test_a_member_can_be_saved_and_cloned(tmp_path):
    reducer = fit_together(grid(), X)[1]
    reducer.save(tmp_path / "model")
    np.testing.assert_allclose(load(tmp_path / "model").transform(X), reducer.transform(X))
    assert clone(reducer).get_params()["n_components"] == 1  # type: ignore[union-attr]


def test_frames_keep_their_names():
    frame = pd.DataFrame(X, columns=list("abcd"))
    fitted = fit_together(grid(), frame)
    assert list(fitted[0].feature_names_in_) == list(frame.columns)
    assert list(fitted[1].reconstruct(frame).columns) == list(frame.columns)


def test_samples_come_in_pairs_where_a_penalty_asks_for_them():
    recipe = NET(penalties=(Neighbourhood(),))
    seen = []

    class Watch(Callback):
        def on_start(self, run):
            gradient = run.gradient
            run.gradient = lambda batch: (seen.append(batch.paired), gradient(batch))[1]

    fit_together([Reducer(2, recipe=recipe, training=Training(steps=4)) for _ in range(2)], X, callbacks=[Watch()])
    assert seen and all(seen)


def test_goes_on_from_a_checkpoint(tmp_path):
    whole = fit_together(grid(), X)
    fit_together(grid(), X, checkpoint=tmp_path / "run")
    again = fit_together(grid(), X, checkpoint=tmp_path / "run")
    np.testing.assert_array_equal(whole[0].transform(X), again[0].transform(X))


def test_refuses_what_cannot_be_fitted_together():
    one = Reducer(2, recipe=NET, training=TRAINING)
    with pytest.raises(ParameterError, match="at least one"):
        fit_together([], X)
    with pytest.raises(ParameterError, match="n_components"):
        fit_together([one, Reducer("two", training=TRAINING)], X)  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="twice"):
        fit_together([one, one], X)
    with pytest.raises(ParameterError, match="one 'training'"):
        fit_together([one, Reducer(2, recipe=NET)], X)
    with pytest.raises(ParameterError, match="scale the data alike"):
        fit_together([one, Reducer(2, recipe=NET(likelihood=Bernoulli()), training=TRAINING)], X)
    for recipe in (RECIPES["linear"].recipe, RECIPES["stacked-denoising"].recipe, RECIPES["map"].recipe):
        with pytest.raises(ParameterError, match="fit it apart"):
            fit_together([Reducer(2, recipe=recipe)], X)
    with pytest.raises(CapabilityError, match="cannot be padded"):
        fit_together([Reducer(n, recipe=NET(latent=KLSparsity())) for n in (2, 3)], X)
    with pytest.raises(CapabilityError, match="one pass"):
        fit_together([Reducer(2, recipe=Recipe(Conv()), random_state=seed) for seed in (0, 1)], np.zeros((20, 1, 8, 8)))
    with pytest.raises(DataError):
        fit_together(grid(), np.full((20, 4), np.nan))
