"""The best of many scores, a block of histories at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from diabolo.rankers.ranker import Floats, Matrix, Scorer, blocks

Numbers = NDArray[np.int64]


def best(scores: Floats, n: int) -> tuple[Numbers, Floats]:
    """Return the numbers and the scores of the `n` best of each row (B, I), best first.

    Of equal ones those of smaller numbers come first. Where fewer are finite, the rest have the number -1.

    Examples
    --------
    >>> best(np.array([[1.0, 3.0, 2.0], [1.0, -np.inf, -np.inf]], dtype=np.float32), 2)
    (array([[ 1,  2],
           [ 0, -1]]), array([[  3.,   2.],
           [  1., -inf]], dtype=float32))
    """
    n = min(n, scores.shape[1])
    leading = _leading(scores, n) if n < scores.shape[1] else None
    found = scores if leading is None else np.take_along_axis(scores, leading, 1)
    order = np.argsort(-found, axis=1, kind="stable")
    numbers = order if leading is None else np.take_along_axis(leading, order, 1)
    values = np.take_along_axis(found, order, 1)
    return np.where(np.isfinite(values), numbers, -1), values


def without(scores: Floats, seen: Matrix) -> Floats:
    """Return scores (B, I), which are overwritten, with those of what is `seen` (B, I) at -∞.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> without(np.ones((1, 2), np.float32), csr_array(np.array([[0.0, 1.0]])))
    array([[  1., -inf]], dtype=float32)
    """
    scores[np.repeat(np.arange(len(scores)), np.diff(seen.indptr)), seen.indices] = -np.inf
    return scores


def ranked(
    scorer: Scorer, histories: Matrix, n: int, *, seen: Matrix | None = None, among: Numbers | None = None
) -> Iterator[tuple[Numbers, Floats]]:
    """Yield the numbers and scores of the `n` best items of each history, in blocks, without those `seen`.

    Parameters
    ----------
    scorer : Scorer
        What was learned.
    histories : csr_array (B, I)
        What users have.
    n : int
        How many of the best, at most.
    seen : csr_array (B, I), optional
        What each is not to be told.
    among : ndarray of int, optional
        The only items to choose from.
    """
    for block in list(blocks(histories)) or [slice(0)]:  # nobody has one block, of no rows
        scores = scorer.scores(histories[block])
        if seen is not None:
            scores = without(scores, seen[block])
        if among is None:
            yield best(scores, n)
        else:
            numbers, values = best(scores[:, among], n)
            yield np.where(numbers < 0, -1, among[numbers]), values


def _leading(scores: Floats, n: int) -> Numbers:
    """Return the numbers of the `n` best of each row (B, I), in ascending order."""
    leading = np.sort(np.argpartition(-scores, n - 1, axis=1)[:, :n], axis=1)
    least = np.take_along_axis(scores, leading, 1).min(1)
    for row in np.flatnonzero(np.isfinite(least) & ((scores >= least[:, None]).sum(1) > n)):
        better, equal = np.flatnonzero(scores[row] > least[row]), np.flatnonzero(scores[row] == least[row])
        leading[row] = np.sort(np.append(better, equal[: n - len(better)]))
    return leading
