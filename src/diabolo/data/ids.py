"""Ids: the user's own names of users or items, and their numbers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import count, pairwise, repeat
from typing import Any

import numpy as np

from diabolo.check import listed, shorten
from diabolo.data.plain import demand_present, objects, plain
from diabolo.errors import DataTypeError, FileError

_WORDS = {np.dtype(np.int64): "integers", np.dtype(object): "text"}


@dataclass(frozen=True, eq=False)
class Ids:
    """Distinct ids, all integers or all text, each with its place as number.

    Parameters
    ----------
    names : ndarray (N,)
        The ids in ascending order: int64, or str as objects.

    Examples
    --------
    >>> ids, numbers = Ids.of(["b", "a", "b"])
    >>> ids.names.tolist(), numbers.tolist(), ids.find(["b", "z"]).tolist()
    (['a', 'b'], [1, 0, 1], [1, -1])
    """

    names: np.ndarray

    @staticmethod
    def of(column: Any, called: str = "Ids") -> tuple[Ids, np.ndarray]:
        """Return the distinct ids of a column (N,), and the number of each of its values, int64 (N,).

        Parameters
        ----------
        column : array, list or series (N,)
            Integers or text; whole floats are integers too, for pandas makes those of a column that had gaps.
        called : str
            What errors call them.

        Raises
        ------
        DataTypeError
            If they mix integers and text, or are something else, such as floats that are not whole.
        DataError
            If one is missing, or too large.
        """
        if hasattr(column, "factorize"):  # of pandas: several times faster with text
            return _factorized(column, called)
        values = plain(column, called)
        if values.dtype == object:
            return _counted(values)
        low, high = (int(values.min()), int(values.max())) if len(values) else (0, -1)
        if high - low > len(values):
            names, numbers = np.unique(values, return_inverse=True)
            return Ids(names), numbers.astype(np.int64)
        there = np.zeros(high - low + 1, dtype=bool)  # a table of what lies between is faster than sorting
        there[values - low] = True
        return Ids(np.flatnonzero(there).astype(np.int64) + low), (np.cumsum(there) - 1)[values - low]

    @staticmethod
    def numbered(count: int) -> Ids:
        """Return the ids 0, 1, ..., of a matrix whose rows or columns have no others.

        Examples
        --------
        >>> Ids.numbered(3).names
        array([0, 1, 2])
        """
        return Ids(np.arange(count, dtype=np.int64))

    def __len__(self) -> int:
        return len(self.names)

    def find(self, values: Any, called: str = "Ids") -> np.ndarray:
        """Return the number of each value, int64 (N,): -1 where it is not known.

        Raises
        ------
        DataTypeError
            If they are text where the known ids are integers, or the other way round, or something else.
        DataError
            If one is missing, or too large.
        """
        wanted = plain(values, called)
        if not len(wanted) or not len(self):
            return np.full(len(wanted), -1, dtype=np.int64)
        if wanted.dtype != self.names.dtype:
            raise DataTypeError(
                f"{called} must be {_WORDS[self.names.dtype]}, such as {self.names[:1].tolist()[0]!r}; got "
                f"{_WORDS[wanted.dtype]}, such as {shorten(wanted[:1].tolist()[0])}: convert them."
            )
        if wanted.dtype == object:
            return np.fromiter(map(self._places.get, wanted, repeat(-1)), np.int64, len(wanted))
        places = np.minimum(np.searchsorted(self.names, wanted), len(self) - 1)
        return np.where(self.names[places] == wanted, places, -1)

    def parsed(self, texts: Sequence[str]) -> np.ndarray:
        """Return ids (N,) of the kind of those known, of which only text is there, as on a command line.

        Raises
        ------
        DataTypeError
            If integers are known, and a text is none.

        Examples
        --------
        >>> Ids.numbered(9).parsed(["7", "3"])
        array([7, 3])
        """
        if self.names.dtype == object:
            return objects(texts)
        try:
            return np.array([int(text) for text in texts], dtype=np.int64)
        except (ValueError, OverflowError) as error:
            raise DataTypeError(
                f"Ids must be integers, such as {self.names[:1].tolist()}; got {listed(texts)}."
            ) from error

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays to save: none for 0, 1, ...; of text the UTF-8 bytes, and where each ends.

        Examples
        --------
        >>> Ids(np.array(["a", "bc"], dtype=object)).arrays()
        {'text': array([97, 98, 99], dtype=uint8), 'ends': array([1, 3])}
        """
        if self.names.dtype != object:
            return {} if np.array_equal(self.names, np.arange(len(self))) else {"names": self.names}
        each = [name.encode("utf-8", "surrogatepass") for name in self.names]
        ends = np.cumsum([len(text) for text in each], dtype=np.int64)
        return {"text": np.frombuffer(bytearray(b"".join(each)), np.uint8), "ends": ends}

    @staticmethod
    def from_arrays(arrays: Mapping[str, np.ndarray], count: int) -> Ids:
        """Return the `count` ids that `arrays` described.

        Raises
        ------
        FileError
            If they are not that many, not in order, or an array is of another kind.

        Examples
        --------
        >>> Ids.from_arrays({}, 2).names.tolist(), Ids.from_arrays({"names": np.array([3, 9])}, 2).names.tolist()
        ([0, 1], [3, 9])
        """
        if not arrays:
            return Ids.numbered(count)
        kinds = {name: (array.dtype, array.ndim) for name, array in arrays.items()}
        whole = (np.dtype(np.int64), 1)
        names = np.empty(0)
        if kinds == {"names": whole}:
            names = arrays["names"]
        elif kinds == {"text": (np.dtype(np.uint8), 1), "ends": whole}:
            names = _decoded(arrays["text"].tobytes(), arrays["ends"].tolist())
        if len(names) != count or not (names[1:] > names[:-1]).all():
            raise FileError(
                f"The saved ids must be {count} distinct ones in ascending order, as 'names' or as 'text' and 'ends'; "
                "save the model anew."
            )
        return Ids(names)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.names)}


def _factorized(series: Any, called: str) -> tuple[Ids, np.ndarray]:
    try:
        numbers, distinct = series.factorize()
    except TypeError as error:  # lists, say, cannot be told apart
        raise DataTypeError(f"{called} must be integers or text ({error}): convert them, with .astype(str).") from error
    demand_present(numbers >= 0, called)
    ids, places = Ids.of(np.asarray(distinct), called)
    return ids, places[numbers]


def _counted(values: np.ndarray) -> tuple[Ids, np.ndarray]:
    met: dict[str, int] = defaultdict(count().__next__)  # numbers each text when it is first met
    numbers = np.fromiter(map(met.__getitem__, values), np.int64, len(values))
    names = objects(met)
    order = sorted(range(len(names)), key=names.__getitem__)
    places = np.empty(len(names), dtype=np.int64)
    places[order] = np.arange(len(names))
    return Ids(names[order]), places[numbers]


def _decoded(text: bytes, ends: list[int]) -> np.ndarray:
    """Return the texts (N,) of which each ends somewhere, or none if that cannot be."""
    cuts = [0, *ends]
    if cuts != sorted(cuts) or cuts[-1] != len(text):
        return np.empty(0)
    try:
        return objects([text[start:end].decode("utf-8", "surrogatepass") for start, end in pairwise(cuts)])
    except UnicodeDecodeError:
        return np.empty(0)
