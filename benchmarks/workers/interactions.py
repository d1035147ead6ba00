"""Interactions of users and items, by the name of the set, split as recommenders are tested."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np
from scipy.sparse import csr_array, csr_matrix

from benchmarks.workers.sets import FOLDER

STRONG = {"ml-100k": (100, 150), "ml-1m": (500, 1000)}
"""Sets whose tested users are new: how many choose the settings, and how many test."""
GIVEN = {"lastfm": "lastfm_lightgcn", "amazon-sports": "amazon-sports_selfrec"}
"""Sets that come split, and whose tested users are known: the names of the files."""
_ABLE = 5


@dataclass(frozen=True, eq=False)
class Part:
    """What a model learns from, what it is told of the tested users, and what it is to find.

    Parameters
    ----------
    train : csr_array (U, I)
        Ones where a user liked an item, as everywhere here, float32.
    histories : csr_array (B, I)
        What is known of each tested user.
    targets : csr_array (B, I)
        What is to be found: something for each, and nothing of the history.
    users : np.ndarray (B,), optional
        Which rows of `train` the tested users are; none where they are new.
    """

    train: csr_array
    histories: csr_array
    targets: csr_array
    users: np.ndarray | None = None


def split(name: str, seed: int) -> tuple[Part, Part]:
    """Return the part of a set that chooses the settings, and the part that tests.

    In a set of `STRONG`, the users of both are drawn by the seed from those with five items or more, and never trained
    on; a fifth of their items is to be found, rounded down, and items that nobody trained on are left out (Liang et
    al., WWW, 2018, section 4.2). In a set of `GIVEN`, the validation items belong to what is trained on for the test;
    where there are none, a fifth of the training items of each user, drawn by the seed, chooses the settings.
    """
    draw = np.random.default_rng(seed)
    return _strong(positives(name), STRONG[name], draw) if name in STRONG else _known(_parts(GIVEN[name]), draw)


def cut(name: str) -> int:
    """Return how many items are looked at when settings are chosen: the k of NDCG@k."""
    return 100 if name in STRONG else 20


def size(matrix: csr_array | csr_matrix) -> tuple[int, int]:
    """Return of how many users and items a matrix is."""
    return cast("tuple[int, int]", matrix.shape)


def positives(name: str) -> csr_array:
    """Return all that users liked in a set of `STRONG` (U, I): ratings of 3 to 5 in ml-1m, of 4 and 5 in ml-100k."""
    if name == "ml-1m":
        train, valid, test = _parts("ml-1m_lightgcnpp").values()
        return _ones(train + valid + test)
    path = FOLDER / "cf" / "ml-100k" / "ml-100k.inter.gz"
    user, item, rating = np.loadtxt(path, np.int64, skiprows=1, usecols=(0, 1, 2), unpack=True)
    (_, rows), (_, columns) = (np.unique(ids[rating >= 4], return_inverse=True) for ids in (user, item))
    return _ones(csr_array((np.ones(len(rows)), (rows, columns))))


def _strong(matrix: csr_array, counts: tuple[int, int], draw: np.random.Generator) -> tuple[Part, Part]:
    able = draw.permutation(np.flatnonzero(np.diff(matrix.indptr) >= _ABLE))
    first, second, _ = np.split(able, np.cumsum(counts))
    train = matrix[np.setdiff1d(np.arange(size(matrix)[0]), [*first, *second])]
    items = np.unique(train.indices)
    train = train[:, items]
    return _tested(train, *told(matrix[first][:, items], draw)), _tested(train, *told(matrix[second][:, items], draw))


def _known(parts: Mapping[str, csr_array], draw: np.random.Generator) -> tuple[Part, Part]:
    train, test = parts["train"], parts["test"]
    trained, valid = (train, parts["valid"]) if "valid" in parts else told(train, draw)
    return _of_rows(trained, valid), _of_rows(_ones(trained + valid), test)


def _of_rows(train: csr_array, targets: csr_array) -> Part:
    return _tested(train, train, targets, np.arange(size(train)[0]))


def _tested(train: csr_array, histories: csr_array, targets: csr_array, users: np.ndarray | None = None) -> Part:
    some = np.flatnonzero(np.diff(targets.indptr))
    return Part(train, histories[some], targets[some], None if users is None else users[some])


def told(matrix: csr_array, draw: np.random.Generator) -> tuple[csr_array, csr_array]:
    """Return what is told of users (B, I), four fifths of their items at random or more, and the rest, to be found."""
    sizes = np.diff(matrix.indptr)
    rows = np.repeat(np.arange(len(sizes)), sizes)
    order = np.lexsort((draw.random(matrix.nnz), rows))
    place = np.empty(matrix.nnz, np.int64)
    place[order] = np.arange(matrix.nnz) - matrix.indptr[rows]
    hidden = place < sizes[rows] // 5
    return _some(matrix, rows, ~hidden), _some(matrix, rows, hidden)


def _some(matrix: csr_array, rows: np.ndarray, chosen: np.ndarray) -> csr_array:
    return csr_array((matrix.data[chosen], (rows[chosen], matrix.indices[chosen])), shape=matrix.shape)


def _parts(file: str) -> dict[str, csr_array]:
    with np.load(FOLDER / "cf" / f"{file}.npz", allow_pickle=False) as found:
        shape = int(found["n_users"]), int(found["n_items"])
        parts = [part for part in ("train", "valid", "test") if f"{part}_indptr" in found]
        return {part: _ones(_csr(found[f"{part}_indices"], found[f"{part}_indptr"], shape)) for part in parts}


def _csr(items: np.ndarray, starts: np.ndarray, shape: tuple[int, int]) -> csr_array:
    return csr_array((np.ones(len(items)), items.astype(np.int32), starts), shape=shape)


def _ones(matrix: csr_array) -> csr_array:
    rows, columns = matrix.nonzero()
    return csr_array((np.ones(len(rows), np.float32), (rows, columns)), shape=matrix.shape)
