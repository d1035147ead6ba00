"""Alternating least squares of the package implicit, its settings chosen on the validation users."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np
from implicit.als import AlternatingLeastSquares
from scipy.sparse import csr_matrix

from benchmarks.workers.interactions import Part, size
from benchmarks.workers.protocol import serve
from benchmarks.workers.ranking import LENGTH
from benchmarks.workers.recommending import Recommend, items, searched

GRID = [
    {"factors": factors, "regularization": regularization, "alpha": alpha}
    for factors, regularization, alpha in product((64, 128), (1.0, 10.0, 30.0), (1.0, 5.0))
]
"""Iterations stay at 15, the default."""


def fitted(part: Part, knobs: Mapping[str, Any], seed: int) -> Recommend:
    """Return what a fitted model recommends; users who are new to it are folded in."""
    model = AlternatingLeastSquares(**knobs, iterations=15, num_threads=1, random_state=seed)
    model.fit(csr_matrix(part.train), show_progress=False)

    def recommend(asked: Part) -> np.ndarray:
        new = asked.users is None
        users = np.arange(size(asked.histories)[0]) if asked.users is None else asked.users
        return model.recommend(users, csr_matrix(asked.histories), N=LENGTH, recalculate_user=new)[0]

    return recommend


if __name__ == "__main__":
    serve({"items": items({"ALS": searched(fitted, GRID)})})
