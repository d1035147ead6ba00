"""scikit-learn's own checks, and its tools around our estimators."""

from typing import Any, cast

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils import estimator_checks as checks
from sklearn.utils.estimator_checks import parametrize_with_checks
from tests.tastes import checkerboard
from tests.worlds import iris, iris_frame

from diabolo import Denoiser, Detector, Dictionary, Generator, Recipe, Recommender, Reducer, Training
from diabolo.latents import Gaussian, Plain, TopK
from diabolo.nets import MLP, Linear
from diabolo.priors import Mixture
from diabolo.rankers import EASE, LowRank
from diabolo.recipes import named

QUICK = Training(epochs=3)
RAISE: Any = "raise"


@pytest.mark.filterwarnings("ignore:The autoencoder is not better than PCA", "ignore:.*they have collapsed")
@parametrize_with_checks(
    [
        Reducer(2, training=QUICK),
        Reducer(2, recipe="linear"),
        Reducer(1, recipe="vae", training=QUICK),
        Detector(training=Training(steps=20, validation=0.0), random_state=0),
        Detector(training=Training(steps=20, validation=0.0), contamination=0.1, random_state=0),
        Generator(2, training=QUICK),
        Generator(1, recipe="vae", training=QUICK, density=Mixture(1)),
        Denoiser(training=QUICK),
        Denoiser(training=QUICK, examples="noisy"),
        Dictionary(4, training=QUICK, random_state=0),
        Dictionary(4, recipe="batch-top-k", training=QUICK, random_state=0),
        Dictionary(4, recipe="relu-l1", training=QUICK, random_state=0),
    ]
)
def test_common_checks(estimator, check):
    check(estimator)


# A recommender takes interactions, sparse or in frames, and says in its tags that it takes no dense tables: of an
# estimator like that scikit-learn runs no checks at all. These are all that give it something it takes, or no data.
SPARSE = [
    checks.check_estimator_cloneable,
    checks.check_estimator_tags_renamed,
    checks.check_valid_tag_types,
    checks.check_estimator_repr,
    checks.check_no_attributes_set_in_init,
    checks.check_estimators_unfitted,
    checks.check_do_not_raise_errors_in_init_or_set_params,
    checks.check_n_features_in_after_fitting,
    checks.check_mixin_order,
    checks.check_estimator_sparse_tag,
    checks.check_estimator_sparse_array,
    checks.check_estimator_sparse_matrix,
    checks.check_parameters_default_constructible,
    checks.check_get_params_invariance,
    checks.check_set_params,
]


@pytest.mark.parametrize("check", SPARSE, ids=lambda check: check.__name__)
@pytest.mark.parametrize("model", ["auto", "ease", LowRank(5.0)], ids=str)
def test_checks_of_sparse_data(model, check):
    check("Recommender", clone(Recommender(model=model)))


def test_grid_search_over_the_model_of_a_recommender():
    X, withheld = checkerboard()
    grid = [{"model": ["popularity"]}, {"model": ["ease"], "model__ridge": [1.0, 5.0]}]
    search = GridSearchCV(Recommender(), grid, cv=3, error_score=RAISE).fit(X)  # rows are users: others are judged
    assert search.cv_results_["mean_test_score"][0] < search.best_score_ - 0.1
    assert search.best_estimator_.ranker_ == EASE(search.best_params_["model__ridge"])
    assert search.best_estimator_.recommend(X, n=1).items[:, 0].tolist() == withheld.tolist()


def test_parameters_of_the_model_of_a_recommender():
    recommender = Recommender(model="edlae")
    other = cast(Recommender, clone(recommender)).set_params(model__ridge=5, threshold=3, training__epochs=7)
    assert (recommender.model, other.model) == ("edlae", EASE(5, dropout=0.5))
    assert other.get_params()["model__ridge"] == 5
    assert other.training == Training(epochs=7)  # the rest stays as suits histories
    with pytest.raises(ValueError, match=r"no such parameter.*'rigde'.*Did you mean 'ridge'"):
        Recommender(model="ease").set_params(model__rigde=1)
    with pytest.raises(ValueError, match=r"Invalid parameter 'recipe' for estimator Recommender: .*known: .*model"):
        Recommender().set_params(recipe="vae")


@pytest.mark.filterwarnings("ignore:The autoencoder is not better than PCA")
def test_grid_search_reaches_into_the_recipe():
    X = iris()
    pipeline = make_pipeline(MinMaxScaler(), Reducer(2, recipe="vae", training=Training(epochs=20), random_state=0))
    grid = {
        "reducer__recipe__latent": [Plain(), Gaussian(), TopK(1)],
    }
    search = GridSearchCV(pipeline, grid, cv=2, error_score=RAISE).fit(X)
    assert len(search.cv_results_["params"]) == 3
    betas = {"reducer__recipe__latent": [Gaussian()], "reducer__recipe__latent__beta": [0.01, 100.0]}
    search = GridSearchCV(pipeline, betas, cv=2, error_score=RAISE).fit(X)
    assert search.best_params_["reducer__recipe__latent__beta"] == 0.01  # a dear code loses
    assert search.best_estimator_[-1].recipe.latent == Gaussian(beta=0.01)


def test_clone_shares_frozen_parts_and_set_params_does_not_touch_them():
    recipe = Recipe(MLP(), Gaussian())
    reducer = Reducer(2, recipe=recipe)
    other = cast(Reducer, clone(reducer))
    other.set_params(recipe__latent__beta=4.0, training__epochs=7)
    assert (recipe.latent, named(reducer.recipe).latent) == (Gaussian(), Gaussian())
    assert named(other.recipe).latent == Gaussian(beta=4.0)
    assert other.training == Training(epochs=7)


def test_set_params_applies_the_shallow_first():
    reducer = Reducer(2).set_params(recipe__latent__k=4, recipe__latent=TopK(), recipe="linear")
    assert reducer.recipe == Recipe(Linear(), TopK(4))


def test_set_params_says_what_is_known():
    with pytest.raises(ValueError, match="Did you mean 'recipe'"):
        Reducer().set_params(recip="vae")
    with pytest.raises(ValueError, match=r"no such parameter.*'betta'.*Did you mean 'beta'"):
        Reducer(recipe="vae").set_params(recipe__latent__betta=1)


@pytest.mark.filterwarnings("ignore:The autoencoder is not better than PCA")
def test_set_output_and_feature_names():
    pd = pytest.importorskip("pandas")
    frame = iris_frame()
    reducer = Reducer(2, training=QUICK, random_state=0).set_output(transform="pandas").fit(frame)
    codes = reducer.transform(frame)
    assert list(codes.columns) == ["reducer0", "reducer1"]
    back = reducer.inverse_transform(codes)
    assert list(back.columns) == list(frame.columns)
    pd.testing.assert_index_equal(back.index, frame.index)
    np.testing.assert_allclose(back, reducer.reconstruct(frame))
