"""Events: the columns of a data frame that say who took what, how much of it, and when."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import load_npz

from diabolo.check import listed, shorten
from diabolo.data.broken import readable
from diabolo.data.cells import read_column
from diabolo.data.form import Form, PandasForm, PolarsForm
from diabolo.data.package import package
from diabolo.data.parquet import parquet_files
from diabolo.data.reading import read
from diabolo.data.stored import Stored, joined
from diabolo.errors import DataError, DataTypeError

_ROLES = {
    "user": "user uid customer visitor member account reader viewer listener reviewer",
    "item": "item iid movie film product article track song artist book isbn asin sku",
    "weight": "weight rating count value score stars plays playcount listens clicks quantity qty",
    "time": "time timestamp date datetime",
}
"""Names of columns, in lower case and without "_" and a final "id"."""


@dataclass(frozen=True, eq=False)
class Events:
    """Who took what, how much of it, and when, as columns (N,).

    Parameters
    ----------
    users, items : ndarray or series (N,)
        The user's own ids, as they are.
    weights : ndarray (N,), optional
        float64, finite; None where the frame has no such column.
    times : ndarray (N,), optional
        float64, finite; dates are seconds since 1970, UTC.
    """

    users: Any
    items: Any
    weights: np.ndarray | None
    times: np.ndarray | None

    @staticmethod
    def of(frame: Any) -> Events:
        """Return the events of a pandas or polars data frame, whose columns are known by their names.

        Upper and lower case, "_" and what follows ":" do not count: "userId", "user_id" and "user_id:token" are the
        same. A frame of two columns under other names is user, item.

        Raises
        ------
        DataTypeError
            If it is no data frame, or weights or times are no numbers or dates.
        DataError
            If it is not clear which column is which, or a weight or time is missing or infinite.

        Examples
        --------
        >>> import pandas as pd
        >>> events = Events.of(pd.DataFrame({"userId": [7], "movieId": ["m"], "rating": [4.5]}))
        >>> events.users.tolist(), events.weights, events.times
        ([7], array([4.5]), None)
        """
        names = (
            [str(name) for name in frame.columns]
            if isinstance(Form.of(frame), PandasForm | PolarsForm)
            else _refuse(frame)
        )
        places = _places(names)
        users, items = (_column(frame, places[role]) for role in ("user", "item"))
        weights, times = (
            _numbers(names[places[role]], _column(frame, places[role])) if role in places else None
            for role in ("weight", "time")
        )
        return Events(users, items, weights, times)


def users_alone(frame: Any) -> Any:
    """Return the column (N,) of a data frame that holds users and nothing else; None of one that tells more.

    Examples
    --------
    >>> import pandas as pd
    >>> users_alone(pd.DataFrame({"userId": [7, 9]})).tolist()
    [7, 9]
    """
    names = list(frame.columns)
    return _column(frame, 0) if len(names) == 1 and _role(names[0]) in ("user", None) else None


def gathered(source: Any) -> Any:
    """Return what a path names, in memory, and anything else as it is.

    ``.npz`` is what `scipy.sparse.save_npz` writes, ``.parquet`` may hold text and dates at any size; for the rest see
    `read`.

    Raises
    ------
    MissingFileError
        If there is no such file.
    FileError
        If its suffix is unknown, or it is cut, broken or foreign.
    CapabilityError
        If an optional package is needed and not installed.

    Examples
    --------
    >>> gathered([[1, 2]])
    [[1, 2]]
    """
    if not isinstance(source, str | os.PathLike | Stored):
        return source
    path = source.path if isinstance(source, Stored) else Path(source).expanduser()
    if path.is_file() and path.suffix.lower() == ".npz":
        with readable(path):
            return load_npz(path)
    files = parquet_files(path) if path.is_dir() or path.suffix.lower() == ".parquet" else []
    return joined(map(_parquet, files)) if files and path.exists() else read(path)


def _parquet(path: Path) -> Any:
    with readable(path):
        return package("pandas").read_parquet(path, engine="pyarrow")


def _refuse(X: Any) -> Any:
    shape = f" of shape {np.shape(X)}" if isinstance(X, np.ndarray) else ""
    raise DataTypeError(
        "X must be a SciPy sparse matrix (users, items), or a data frame of user, item and, if there are, weight and "
        f"time; got {type(X).__name__}{shape}: pass scipy.sparse.csr_array(X), or a frame."
    )


def _places(names: list[str]) -> dict[str, int]:
    """Return which column has which role; user and item are always among them."""
    roles = [_role(name) for name in names]
    places: dict[str, int] = {}
    for role in _ROLES:
        found = [i for i, each in enumerate(roles) if each == role]
        if len(found) > 1:
            raise DataError(
                f"X must have one column of each kind; got {listed([names[i] for i in found])} for {role}: drop or "
                "rename all but one."
            )
        if found:
            places[role] = found[0]
    if len(names) == 2 and places.keys() <= {"user", "item"}:
        user = places.get("user", 1 - places.get("item", 1))
        return {"user": user, "item": 1 - user}
    lost = [role for role in ("user", "item") if role not in places]
    if lost:
        free = [name for name, role in zip(names, roles, strict=True) if role is None]
        cure = (
            f"rename it, with X.rename(columns={{{shorten(free[0])}: {lost[0]!r}}}) for instance" if free else "add it"
        )
        raise DataError(
            f"X must have columns user and item; found none for {' and '.join(lost)} among {listed(names)}: {cure}; an "
            "index is made a column by X.reset_index()."
        )
    return places


def _role(name: Any) -> str | None:
    """Return what a column of this name holds, if that is known."""
    plain = str(name).lower().partition(":")[0].replace("_", "").replace(" ", "")
    return next((r for r, known in _ROLES.items() if {plain, plain.removesuffix("id")} & set(known.split())), None)


def _column(frame: Any, i: int) -> Any:
    return frame.iloc[:, i] if hasattr(frame, "iloc") else frame.to_series(i)


def _numbers(name: str, series: Any) -> np.ndarray:
    """Return weights or times, float64 (N,)."""
    dated = getattr(series.dtype, "kind", "") == "M"
    column = series.to_numpy("M8[us]") if dated else series.to_numpy()  # in UTC, where there is a time zone
    kind, cells = read_column(name, column)
    if kind == "category":
        raise DataTypeError(
            f"Column {name!r} must hold numbers or dates; got text or booleans: convert it, or drop it."
        )
    values = cells.astype(np.float64)
    if kind == "date":
        values = np.where(np.isnat(cells), np.nan, values / 1e6)
    wrong = ~np.isfinite(values)
    if wrong.any():
        raise DataError(
            f"Column {name!r} must hold finite values; {wrong.sum()} of {len(values)} are missing or infinite, the "
            f"first in row {wrong.argmax()}: drop those rows, or the column."
        )
    return values
