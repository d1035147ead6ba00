"""Maps of umap-learn, PaCMAP and openTSNE, each with its defaults.

None is given a seed: each draws anew at every fit, as it does by default, for a seed would cost UMAP its threads.
"""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.workers.mapping import Array, Map, mapping
from benchmarks.workers.protocol import serve


def umap() -> Callable[[Array, int], Map]:
    """Import umap-learn. Its inverse takes a tenth of a second for each row."""
    from umap import UMAP

    def fit(X: Array, seed: int) -> Map:
        model = UMAP()
        return Map(model.fit_transform(X), model.transform, model.inverse_transform, most=100)

    return fit


def pacmap() -> Callable[[Array, int], Map]:
    """Import PaCMAP. It has no inverse."""
    from pacmap import PaCMAP

    def fit(X: Array, seed: int) -> Map:
        model = PaCMAP()
        return Map(model.fit_transform(X), lambda rows: model.transform(rows, basis=X))

    return fit


def tsne() -> Callable[[Array, int], Map]:
    """Import openTSNE. It has no inverse."""
    from openTSNE import TSNE

    def fit(X: Array, seed: int) -> Map:
        map_of_x = TSNE().fit(X)
        return Map(map_of_x, map_of_x.transform)

    return fit


if __name__ == "__main__":
    serve({"map": mapping({"umap": umap, "pacmap": pacmap, "tsne": tsne})})
