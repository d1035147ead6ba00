"""A table of mixed columns for a model: which likelihood each column has, and which numbers were there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import validate_data
from torch import Tensor

from diabolo.check import shorten
from diabolo.data import Form, Schema
from diabolo.data.cells import names_of, table_of
from diabolo.data.form import NumpyForm, PandasForm, PolarsForm, TorchForm
from diabolo.data.schema import order_of
from diabolo.errors import DataError, DataTypeError, FileError, ParameterError
from diabolo.flow import Shape
from diabolo.likelihoods import Auto, Bernoulli, Categorical, Likelihood, Mixed, SquaredError
from diabolo.model import Recipe

if TYPE_CHECKING:
    from diabolo.estimators.base import Estimator


def suited(recipe: Recipe, schema: Schema) -> Recipe:
    """Return the recipe with the likelihood of encoded rows, if it leaves that open.

    Raises
    ------
    ParameterError
        If its likelihood is none of any numbers, which is what standardised numbers and dates can be.
    """
    if isinstance(recipe.likelihood, Auto):
        return replace(recipe, likelihood=likelihood_of(schema))
    domains = recipe.likelihood.domains(schema.width)
    for field, place in zip(schema.fields, schema.slices, strict=True):
        if field.kind != "category" and set(domains[place][: field.width - field.missing]) - {"real"}:
            raise ParameterError(
                "Parameter 'likelihood' of a recipe must be one of any numbers, such as SquaredError() or Laplace(), "
                f"for column {field.name!r} of a table, which is standardised; got {shorten(recipe.likelihood)}. "
                "Leave it out to have it chosen."
            )
    return recipe


def likelihood_of(schema: Schema) -> Likelihood:
    """Return the likelihood of encoded rows: squared error of numbers, cross-entropy of all else.

    Examples
    --------
    >>> from diabolo.data import Field
    >>> likelihood_of(Schema((Field("0", "number"), Field("1", "number"))))
    SquaredError()
    >>> likelihood_of(Schema((Field("0", "number"), Field("1", "category", categories=("Oslo", "Rome")))))
    Mixed(likelihoods=(SquaredError(), Categorical(classes=3)), columns=(1, 3))
    """
    groups: list[tuple[Likelihood, int]] = []
    for field in schema.fields:
        width = field.width - field.missing
        own: Likelihood = Categorical(width) if field.kind == "category" else SquaredError()
        for likelihood, count in ((own, width), (Bernoulli(), int(field.missing))):
            if groups and groups[-1][0] == likelihood and not isinstance(likelihood, Categorical):
                count += groups.pop()[1]
            if count:
                groups.append((likelihood, count))
    if all(likelihood == SquaredError() for likelihood, _ in groups):
        return SquaredError()
    return Mixed(*(tuple(part) for part in zip(*groups, strict=True)))


def seen(schema: Schema, observed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which encoded numbers (N, P) count, given which values (N, F) were there: also those that say that not.

    Examples
    --------
    >>> from diabolo.data import Field
    >>> schema = Schema((Field("0", "number", missing=True), Field("1", "number")))
    >>> seen(schema, np.array([[False, True]])).tolist()
    [[False, True, True]]
    """
    counts = np.repeat(observed, [field.width for field in schema.fields], axis=1)
    counts[:, [place.stop - 1 for field, place in zip(schema.fields, schema.slices, strict=True) if field.missing]] = (
        True
    )
    return counts


def encoded(schema: Schema, X: Any) -> tuple[NDArray[np.float64], NDArray[np.bool_] | None]:
    """Return rows as numbers (N, P), float64, and which of them count, if not all; see `seen`.

    Examples
    --------
    >>> encoded(Schema.of([[1.0], [3.0]]), [[3.0]])
    (array([[1.]]), None)
    """
    values, observed = schema.encode(X, np.float64)
    return values, None if observed.all() else seen(schema, observed)


def per_field(schema: Schema, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sums (N, F) over the encoded columns of each field of numbers (N, P).

    Examples
    --------
    >>> from diabolo.data import Field
    >>> schema = Schema((Field("0", "number"), Field("1", "category", categories=("Oslo", "Rome"))))
    >>> per_field(schema, np.array([[1.0, 2.0, 3.0, 4.0]])).tolist()
    [[1.0, 9.0]]
    """
    return np.add.reduceat(numbers, [place.start for place in schema.slices], axis=1)


def holds_text(X: Any) -> bool:
    """Tell whether numpy makes of X an array (N, D) of text, dates or objects, such as mixed columns.

    Examples
    --------
    >>> holds_text([["Oslo", 1.0], ["Rome", 2.0]]), holds_text([[1.0], [2.0]])
    (True, False)
    """
    try:
        return not isinstance(X, Tensor) and np.asarray(X).ndim == 2 and np.asarray(X).dtype.kind in "OUSM"
    except (TypeError, ValueError):
        return False


def axes(X: Any) -> int:
    """Return how many axes X has: two if it is a frame, of which no array is made to know that.

    Examples
    --------
    >>> axes([["Oslo", 1.0]]), axes(np.zeros((2, 3, 4)))
    (2, 3)
    """
    return 2 if hasattr(X, "columns") else np.ndim(X)


def taken(detector: Estimator, X: Any, reset: bool) -> Any:
    """Return X, an array of numbers checked as every estimator does, of mixed columns or a frame by its columns.

    The columns of a frame are put in the order of training.

    Raises
    ------
    DataError
        If it holds too few samples, or what was not there in training.
    DataTypeError
        If the columns of a frame are called by text and by something else.
    """
    if isinstance(Form.of(X), NumpyForm | TorchForm) and not holds_text(X):
        return detector._take(X, reset)
    if len(X) < (least := 2 if reset else 1):
        raise DataError(f"X must hold at least {least} sample{'s to learn from' if reset else ''}; got {len(X)}.")
    _demand_names(X)
    X = X if reset else _ordered(detector, X)
    try:
        validate_data(detector, X, reset=reset, skip_check_array=True)
    except ValueError as error:
        raise DataError(str(error)) from error
    return X


def _demand_names(X: Any) -> None:
    types = sorted({type(name).__name__ for name in getattr(X, "columns", ())})
    if len(types) > 1 and "str" in types:
        raise DataTypeError(
            f"X must have columns called by text, or all by something else; got {' and '.join(types)}. Rename them, "
            "with X.columns = X.columns.astype(str)."
        )


def _ordered(estimator: Estimator, X: Any) -> Any:
    """Return a frame with its columns in the order of training, where they have names; anything else as it is."""
    known = getattr(estimator, "feature_names_in_", None)
    return X if known is None or not hasattr(X, "columns") else ordered(X, list(known))


def ordered(X: Any, known: Sequence[str]) -> Any:
    """Return a frame with its columns in the order of those known.

    Raises
    ------
    DataError
        If it has others.
    """
    order = order_of(names_of(X), known)
    if order == list(range(len(order))):
        return X
    return X.iloc[:, order] if hasattr(X, "iloc") else X[:, order]


def in_order(X: Any, names: Iterable[object] | None) -> Any:
    """Return a frame that has columns of just these names with them in this order; anything else as it is.

    Examples
    --------
    >>> import pandas
    >>> in_order(pandas.DataFrame({"b": [1], "a": [2]}), ["a", "b"]).columns.tolist()
    ['a', 'b']
    """
    if names is None or not hasattr(X, "columns"):
        return X
    known = [str(name) for name in names]
    return ordered(X, known) if sorted(map(str, X.columns)) == sorted(known) else X


def rows(X: Any, index: NDArray[np.int64]) -> Any:
    """Return some rows of the user's table or array: of a frame as a frame, of all else as an array.

    Examples
    --------
    >>> rows([[3.5, "a"], [4.5, "b"]], np.array([1])).tolist()
    [[4.5, 'b']]
    """
    form = Form.of(X)
    if isinstance(form, PandasForm):
        return X.iloc[index]
    return X[index.tolist()] if isinstance(form, PolarsForm) else table_of(X)[index]


def framed(form: Form, schema: Schema, columns: Sequence[NDArray[Any]]) -> Any:
    """Return one array (N,) per field in the form of the user's table, its columns in their order."""
    named = dict(zip(schema.names, columns, strict=True))
    if isinstance(form, PandasForm):
        import pandas as pd

        return pd.DataFrame(named, index=form.index)[[str(name) for name in form.columns]].set_axis(
            form.columns, axis=1
        )
    if isinstance(form, PolarsForm):
        import polars as pl

        return pl.DataFrame(named).select(form.columns)
    numeric = all(column.dtype.kind == "f" for column in columns)
    return form.back(np.column_stack([column if numeric else column.astype(object) for column in columns]))


def restored(plain: object, shape: Shape, columns: int) -> Schema | None:
    """Return the schema saved with a model of samples of `shape`, made of so many columns; None if they are no rows.

    The shape may be that of windows of rows.

    Raises
    ------
    FileError
        If it is no description of a schema, or one of other samples.
    """
    if len(shape) != 1 and plain is None:
        return None
    schema = Schema.from_json(plain)
    if shape[-1:] != (schema.width,) or len(schema.fields) != columns:
        raise FileError(
            f"its schema makes {schema.width} numbers of {len(schema.fields)} columns, but its model takes samples of "
            f"shape {shape} from {columns} columns"
        )
    return schema
