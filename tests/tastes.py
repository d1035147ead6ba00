"""Small worlds of users and items, with known answers."""

from typing import Any

import numpy as np
from scipy.sparse import csr_array


def sparse(rows: Any) -> Any:
    """A dense matrix as one of histories."""
    return csr_array(np.asarray(rows, dtype=np.float32))


def checkerboard(users: int = 60, items: int = 12) -> tuple[Any, np.ndarray]:
    """Users and items of two colours: each user has all items of his colour but one, and which that is (U,)."""
    user, item = np.arange(users), np.arange(items)
    withheld = user // 2 % (items // 2) * 2 + user % 2
    return sparse((user[:, None] % 2 == item % 2) & (item != withheld[:, None])), withheld


def tastes(users: int = 80, items: int = 15, seed: int = 0) -> Any:
    """Users with two tastes in differing parts, and popular items: weights are counts."""
    rng = np.random.default_rng(seed)
    share = rng.random((users, 1))
    liking = share * np.sin(np.arange(items)) + (1 - share) * np.cos(np.arange(items)) + np.linspace(0.5, -1, items)
    return sparse(rng.poisson(np.exp(1.5 * liking - 1.2)))


def ragged() -> Any:
    """Users without items, and items that nobody has."""
    histories = tastes(30, 9).toarray()
    histories[[0, 7, 29]], histories[:, [0, 4, 8]] = 0, 0
    return sparse(histories)


def events(matrix: Any, users: Any = None, items: Any = None) -> dict[str, list[Any]]:
    """The interactions of a matrix as columns user, item and weight, with ids of users and items (or their numbers)."""
    rows, columns = matrix.nonzero()
    users, items = (range(n) if ids is None else ids for ids, n in zip((users, items), matrix.shape, strict=True))
    return {
        "user": [users[row] for row in rows],
        "item": [items[column] for column in columns],
        "weight": matrix[rows, columns].tolist(),
    }
