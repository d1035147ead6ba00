"""How good a map is near by: whether neighbours in it are neighbours in the data."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diabolo.check import Whole, demand
from diabolo.data.cells import is_missing
from diabolo.errors import DataError
from diabolo.metrics.arrays import Array, alike, numbers, points
from diabolo.metrics.neighbours import squared


def trustworthiness(X: ArrayLike, codes: ArrayLike, neighbours: int = 12) -> float:
    """Return whether neighbours in the map are neighbours in the data: 1 if all are, about 0.5 of a random map.

    1 − 2 / (N k (2N − 3k − 1)) Σᵢ Σⱼ (rank of j among the neighbours of i in the data − k), over those j of the k
    nearest of i in the map that are not among its k nearest in the data. Memory is bounded, however many there are.

    Parameters
    ----------
    X : ndarray (N, *shape)
        Samples.
    codes : ndarray (N, n)
        Where they lie in the map.
    neighbours : int
        k, less than half of N.

    Raises
    ------
    DataError
        If the two are not of the same samples.
    ParameterError
        If there are too few for so many neighbours.

    References
    ----------
    Venna, Kaski, "Neighborhood preservation in nonlinear projection methods", ICANN 2001.

    Examples
    --------
    >>> random = np.random.default_rng(0)
    >>> X = random.random((50, 2))
    >>> trustworthiness(X, 3 * X, 5), trustworthiness(X, random.random((50, 2)), 5) < 0.7
    (1.0, True)
    """
    return _kept(*together(X, codes), neighbours)


def continuity(X: ArrayLike, codes: ArrayLike, neighbours: int = 12) -> float:
    """Return whether neighbours in the data stay neighbours in the map: `trustworthiness` with the two exchanged.

    Examples
    --------
    >>> X = np.random.default_rng(0).random((50, 2))
    >>> continuity(X, 3 * X, 5)
    1.0
    """
    samples, places = together(X, codes)
    return _kept(places, samples, neighbours)


def knn_accuracy(codes: ArrayLike, y: ArrayLike, placed: ArrayLike, true: ArrayLike, neighbours: int = 10) -> float:
    """Return how often most of the nearest codes (N, n) of a class each, y (N,), are of the true class of a placed one.

    Of classes with as many votes, the first in order counts.

    Parameters
    ----------
    codes, placed : ndarray (N, n), (M, n)
        Codes whose classes vote, and others.
    y, true : ndarray (N,), (M,)
        Their classes.
    neighbours : int
        How many vote.

    Raises
    ------
    DataError
        If there is not one class for each code, one is missing, or they are text on one side and numbers on the other.
    ParameterError
        If there are fewer codes than votes.

    Examples
    --------
    >>> codes = np.array([[0.0], [0.1], [5.0], [5.1]])
    >>> knn_accuracy(codes, ["a", "a", "b", "b"], [[0.2], [4.0]], ["a", "b"], neighbours=2)
    1.0
    """
    among, some, of_among, of_some = flat("codes", codes), flat("placed", placed), np.asarray(y), np.asarray(true)
    alike("codes", among, "placed", some)
    if of_among.shape != (len(among),) or of_some.shape != (len(some),):
        raise DataError(
            f"y and true must hold a class for each of {len(among)} codes and {len(some)} placed; got shapes "
            f"{of_among.shape} and {of_some.shape}."
        )
    _demand_classes(of_among, of_some)
    demand("neighbours", "knn_accuracy", neighbours, Whole(1, len(among)))
    names, classes = np.unique(of_among, return_inverse=True)
    right = 0
    for rows, squares in squared(some, among):
        near = classes[np.argpartition(squares, neighbours - 1, axis=1)[:, :neighbours]]
        votes = np.zeros((len(near), len(names)), np.int64)
        np.add.at(votes, (np.arange(len(near))[:, None], near), 1)
        right += int((names[votes.argmax(1)] == of_some[rows]).sum())
    return right / len(some)


def _demand_classes(y: NDArray[Any], true: NDArray[Any]) -> None:
    """Raise DataError unless classes (N,), (M,) can be compared: none is missing, and all are text or none is."""
    for name, classes in (("y", y), ("true", true)):
        if any(map(is_missing, classes.tolist())):
            raise DataError(f"{name} must hold a class for each; some are missing. Drop those samples.")
    texts = {isinstance(each, str) for classes in (y, true) for each in classes.tolist()}
    if len(texts) > 1:
        raise DataError("y and true must hold classes of one kind; got text and numbers. Convert them by .astype(str).")


def _kept(original: Array, other: Array, k: int) -> float:
    """Return whether the k nearest of each in `other` (N, n) are among its k nearest in `original` (N, F)."""
    count = len(original)
    demand("neighbours", "this measure", k, Whole(1, (count - 1) // 2))
    lost = 0
    width = 2  # two matrices of distances at a time
    for (rows, there), (_, here) in zip(squared(original, original, width), squared(other, other, width), strict=True):
        own = np.arange(len(there)), np.arange(rows.start, rows.start + len(there))
        there[own] = here[own] = np.inf
        near = np.argpartition(here, k - 1, axis=1)[:, :k]
        for each in np.take_along_axis(there, near, axis=1).T:
            rank = (there < each[:, None]).sum(1) + 1
            lost += int((rank - k).clip(min=0).sum())
    return 1 - 2 * lost / (count * k * (2 * count - 3 * k - 1))


def together(X: ArrayLike, codes: ArrayLike) -> tuple[Array, Array]:
    """Return samples, flat (N, F), and their codes (N, n), float64.

    Raises
    ------
    DataError
        If they are not finite, not as many, or fewer than three.

    Examples
    --------
    >>> together(np.ones((3, 2, 2)), np.ones((3, 2)))[0].shape
    (3, 4)
    """
    samples, places = flat("X", X, 3), flat("codes", codes)
    if len(samples) != len(places):
        raise DataError(f"codes must hold one for each of {len(samples)} samples of X; got {len(places)}.")
    return samples, places


def flat(name: str, values: ArrayLike, least: int = 1) -> Array:
    """Return samples of any shape as points, float64 (N, F): finite, at least `least`.

    Raises
    ------
    DataError
        If they are not.

    Examples
    --------
    >>> flat("X", np.ones((3, 2, 2))).shape
    (3, 4)
    """
    array = numbers(name, values, "(N, ...)")
    return points(name, array.reshape(len(array), -1) if array.ndim > 2 and array.size else array, least)
