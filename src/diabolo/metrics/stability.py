"""Stability: whether two dictionaries, such as those of two seeds, hold the same atoms."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import linear_sum_assignment

from diabolo.metrics.arrays import Array, alike, numbers, points


def stability(atoms: ArrayLike, others: ArrayLike) -> float:
    """Return the mean cosine between atoms and those others that they are paired with one to one, as well as can be.

    1 says that both hold the same atoms, in whatever order and of whatever length. What unrelated dictionaries get
    depends on their sizes: print it beside. Of dictionaries of two sizes, each atom of the smaller one has its pair.
    The pairing takes time in the cube of the number of atoms; give some thousands at most.

    Parameters
    ----------
    atoms, others : array (n, *shape)
        What `Dictionary.atoms_` gives. An atom of zeros has the cosine 0 with any.

    Raises
    ------
    DataError
        If the atoms are of different shapes, or hold NaN or infinity.
    DataTypeError
        If they are not real numbers.

    References
    ----------
    Fel et al., "Archetypal SAE", ICML 2025; the pairing: Kuhn, "The Hungarian method", 1955.

    Examples
    --------
    >>> stability([[1.0, 0.0], [0.0, 2.0]], [[0.0, 1.0], [3.0, 0.0]])
    1.0
    >>> stability([[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [1.0, 0.0]])  # two cannot have the same pair
    0.5
    """
    some, more = _unit("atoms", atoms), _unit("others", others)
    alike("atoms", some, "others", more)
    cosines = some @ more.T
    pairs = linear_sum_assignment(cosines, maximize=True)
    return float(cosines[pairs].mean())


def _unit(name: str, atoms: ArrayLike) -> Array:
    """Return atoms as rows (n, D), each divided by its length."""
    array = numbers(name, atoms, "(n, *shape)")
    rows = points(name, array.reshape(len(array), -1) if array.ndim > 2 else array)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-300)
