"""The JSON that lies beside foreign weights: each value of it is looked at before it is believed."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from diabolo.check import Allowed, Flag, Whole
from diabolo.errors import FileError
from diabolo.exchange.arrays import WRITER, described
from diabolo.files.disk import read_file

MOST = 2**24
"""The largest file, in bytes, that is read."""


@dataclass(frozen=True, eq=False)
class Config:
    """The values of a JSON object, and the file they are from, for the errors.

    Examples
    --------
    >>> Config(Path("cfg.json"), {"k": 4, "d_in": "many"}).value("k", Whole(1))
    4
    >>> Config(Path("cfg.json"), {"k": 4, "d_in": "many"}).value("d_in", Whole(1))
    Traceback (most recent call last):
    ...
    diabolo.errors.FileError: cfg.json must give 'd_in' as an integer >= 1; got 'many'.
    """

    file: Path
    values: Mapping[str, Any]

    @classmethod
    def read(cls, file: Path) -> Config:
        """Read a file. NaN and infinite numbers, which JSON does not have but Python writes, stay words.

        Raises
        ------
        FileError
            If it is missing, too large or no JSON object.
        """
        try:
            values = json.loads(read_file(file, MOST, WRITER).decode(), parse_float=_finite, parse_constant=str)
        except (ValueError, RecursionError) as error:
            if isinstance(error, FileError):
                raise
            raise FileError(f"{file} is no JSON ({error}); copy the dictionary again.") from error
        return cls(file, _object(file, values))

    def value(self, name: str, allowed: Allowed, missing: Any = None) -> Any:
        """Return a value, or `missing` if it is not there or null.

        Raises
        ------
        FileError
            If it is not what is allowed.
        """
        value = self.values.get(name)
        value = missing if value is None else value
        if value not in allowed:
            raise FileError(f"{self.file} must give {name!r} as {allowed}; got {described(value)}.")
        return value

    def flag(self, name: str, missing: bool) -> bool:
        """Return True or False."""
        return self.value(name, Flag(), missing)

    def agree(self, name: str, found: int) -> None:
        """Raise unless a size is the one that the weights have, where it is given.

        Raises
        ------
        FileError
            If it is another.
        """
        if self.value(name, Whole(1), found) != found:
            raise FileError(
                f"{self.file} gives {name!r} as {self.values[name]}, but the weights beside it have {found}; "
                "copy the whole folder of one dictionary."
            )

    def part(self, name: str) -> Config:
        """Return an object within; an empty one if it is not there."""
        value = self.values.get(name)
        return Config(self.file, _object(self.file, {} if value is None else value))

    def rest(self, *read: str) -> dict[str, Any]:
        """Return all but what was read."""
        return {name: value for name, value in self.values.items() if name not in read}


def _object(file: Path, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise FileError(f"{file} must hold a JSON object; got {described(value)}.")
    return value


def _finite(text: str) -> float | str:
    value = float(text)
    return value if math.isfinite(value) else text
