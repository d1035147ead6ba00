"""Our maps: the recipe "map", a plain autoencoder, and PCA beside them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from benchmarks.workers.mapping import Array, Map, mapping
from benchmarks.workers.protocol import serve


def pca() -> Callable[[Array, int], Map]:
    """Import scikit-learn's PCA."""
    from sklearn.decomposition import PCA

    def fit(X: Array, seed: int) -> Map:
        model = PCA(2, random_state=seed)
        return Map(model.fit_transform(X), model.transform, model.inverse_transform)

    return fit


def ours(recipe: str) -> Callable[[Array, int], Map]:
    """Import diabolo, for a recipe with everything at its default."""
    from diabolo import Reducer

    def fit(X: Array, seed: int) -> Map:
        reducer = Reducer(2, recipe=recipe, random_state=seed).fit(X)
        return Map(reducer.transform(X), reducer.transform, reducer.inverse_transform)

    return fit


if __name__ == "__main__":
    serve({"map": mapping({"map": partial(ours, "map"), "plain": partial(ours, "vanilla"), "pca": pca})})
