"""Which items go together: the Gram matrix XᵀWX of histories X, users weighing W, and its inverse, in place."""

from __future__ import annotations

import os

import numpy as np
import torch
from scipy.linalg import get_lapack_funcs
from scipy.sparse import diags_array

from diabolo.errors import CapabilityError, ParameterError
from diabolo.rankers.ranker import Floats, Matrix

_CELLS = 2**24
"""Numbers of a sparse product that become dense at a time."""

_FIT = 0.8
"""Share of the memory of the machine that a matrix may take."""


def weighed(histories: Matrix, balance: float) -> Matrix:
    """Return histories (U, I) scaled so that a user with c items weighs (c / mean c)^-balance in their Gram matrix.

    With a balance of 0 each interaction counts as much as any other, with 1 each user as much as any other.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> histories = csr_array(np.array([[1, 1, 1], [1, 0, 0]], dtype=np.float32))
    >>> weighed(histories, 1.0).toarray().round(2)
    array([[0.82, 0.82, 0.82],
           [1.41, 0.  , 0.  ]], dtype=float32)
    """
    if not balance:
        return histories
    counts = np.diff(histories.indptr).clip(1).astype(np.float32)
    return diags_array((counts / counts.mean()) ** (-balance / 2)) @ histories


def gram(histories: Matrix) -> Floats:
    """Return XᵀX (I, I), dense, from histories X (U, I), computed a few rows at a time.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> gram(csr_array(np.array([[1.0, 1.0], [0.0, 1.0]], dtype=np.float32)))
    array([[1., 1.],
           [1., 2.]], dtype=float32)
    """
    items = histories.shape[1]
    out = np.empty((items, items), np.float32)
    columns, step = histories.T.tocsr(), max(1, _CELLS // items)
    for start in range(0, items, step):
        (columns[start : start + step] @ histories).toarray(out=out[start : start + step])
    return out


def inverted(matrix: Floats, device: torch.device) -> Floats:
    """Return the inverse of a symmetric positive definite matrix (I, I), which is overwritten on a CPU.

    By Cholesky, n³ operations in place of the 2n³ of a general inverse, and no second matrix.

    Raises
    ------
    ParameterError
        If it is not positive definite: its ridge is too small.

    Examples
    --------
    >>> inverted(np.array([[2.0, 0.0], [0.0, 4.0]], dtype=np.float32), torch.device("cpu")).round(2)
    array([[0.5 , 0.  ],
           [0.  , 0.25]], dtype=float32)
    """
    if device.type != "cpu":
        factor, failed = torch.linalg.cholesky_ex(torch.from_numpy(matrix).to(device))
        demand_positive(int(failed))
        return torch.cholesky_inverse(factor).cpu().numpy()
    upper = matrix.T  # in the order of LAPACK, whose lower triangle is the upper one of `matrix`
    factorise, invert = get_lapack_funcs(("potrf", "potri"), (upper,))
    upper, failed = factorise(upper, lower=1, clean=0, overwrite_a=1)
    demand_positive(failed)
    upper, failed = invert(upper, lower=1, overwrite_c=1)
    demand_positive(failed)
    inverse = upper.T
    _mirror(inverse)
    return inverse


def demand_room(items: int, owner: str, instead: str) -> None:
    """Raise unless a dense matrix of items by items fits into the memory of the machine.

    Raises
    ------
    CapabilityError
        With what to use instead.
    """
    needed, there = 4 * items**2, _memory()
    if needed > _FIT * there:
        raise CapabilityError(
            f"{owner} of {items:,} items needs a matrix of {needed / 2**30:,.1f} GiB, but this machine has "
            f"{there / 2**30:,.1f} GiB; use {instead}."
        )


def demand_positive(failed: int) -> None:
    """Raise if the factorisation of a matrix `failed`.

    Raises
    ------
    ParameterError
        With what would help.
    """
    if failed:
        raise ParameterError("Parameter 'ridge' must be larger here: the matrix is singular without it; try 100.")


def _memory() -> float:
    """Return the bytes of memory of the machine, infinite where it does not tell."""
    try:
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, ValueError, OSError):
        return float("inf")


def _mirror(matrix: Floats, step: int = 1024) -> None:
    """Write the upper triangle into the lower one, block by block."""
    for start in range(0, len(matrix), step):
        rows = slice(start, start + step)
        block = matrix[rows, rows]
        matrix[rows, rows] = np.triu(block) + np.triu(block, 1).T
        matrix[start + step :, rows] = matrix[rows, start + step :].T
