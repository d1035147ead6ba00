"""What the commands do, in terms of the public face."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from functools import partial
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import TransformerMixin

from diabolo.check import unknown
from diabolo.cli.places import demand_apart, demand_page
from diabolo.cli.restored import are_pictures, demand_pairs, restore
from diabolo.data import Stored, read, write, write_parts
from diabolo.data.package import package
from diabolo.data.pictures import by_file
from diabolo.errors import ParameterError
from diabolo.estimators import Classifier, Dictionary, Generator, Job, Recommender, Regressor, load
from diabolo.estimators.recommendation.asking import Recommended
from diabolo.files import demand_place
from diabolo.rankers import RANKERS
from diabolo.recipes import OF_VECTORS, RECIPES
from diabolo.training import Progress


def fit(
    estimator: Job,
    data: str,
    output: Path,
    checkpoint: Path | None,
    quiet: bool,
    condition: str | None = None,
    target: str | None = None,
) -> dict[str, Any]:
    """Fit, save, and return what came of it."""
    demand_place(output)
    if condition is None and isinstance(estimator, Classifier | Regressor):
        name = type(estimator).__name__.lower()
        raise ParameterError(f"fit {name} needs --condition, the column that it is to tell; got none. Name one.")
    callbacks = () if quiet else (Progress(),)
    if target is not None and isinstance(estimator, Dictionary):
        estimator.fit(estimator.opened(data), target=read(target), callbacks=callbacks, checkpoint=checkpoint)
        estimator.save(output)
        return facts(estimator)
    if target is not None:
        X, y = _paired(estimator, data, target)
    else:
        X, y = (estimator.opened(data), None) if condition is None else _parted(estimator, read(data), condition)
    estimator.fit(X, y, callbacks=callbacks, checkpoint=checkpoint)
    estimator.save(output)
    return facts(estimator)


def apply(
    model: Path,
    data: str | None,
    output: Path,
    verb: str | None,
    device: str,
    quiet: bool,
    count: int | None = None,
    users: Sequence[str] = (),
    condition: str | None = None,
) -> dict[str, Any]:
    """Apply a saved model to data or known users, write the result, return its shape, or what became of pictures."""
    estimator: Job = load(model, device)
    table = output.suffix.lower() in (".csv", ".parquet")
    verb = _verb(estimator, verb, output, table)
    method = _counting(getattr(estimator, verb), count)
    if condition is not None:
        method = _apart(method, estimator, condition)
    if data is None or users:
        samples = _known(estimator, data, users)
    elif estimator.pictures and are_pictures(data, output):
        return restore(method, data, output, quiet)
    else:
        demand_apart(output, model, data)
        samples = estimator.opened(data)
    if condition is None:
        _demand_said(estimator, samples)
    if isinstance(estimator, TransformerMixin) and table and not isinstance(estimator, Dictionary):
        estimator.set_output(transform="pandas")  # columns with names
    answer = partial(_answer, method, verb if table else None)
    if isinstance(samples, Stored) and estimator.in_parts:
        stored = samples.with_gaps() if estimator.takes_missing else samples
        shape, found = write_parts(output, map(answer, stored.parts())), {}
    else:
        result = answer(samples)
        write(output, by_file(result, data) if verb == estimator.row_verb or _single(result) else result)
        shape = tuple(result.shape)
        found = {"anomalies": int(result["anomaly"].sum())} if "anomaly" in getattr(result, "columns", ()) else {}
    return {"samples": shape[0], "shape": list(shape), **found, "output": str(output)}


def sample(
    model: Path, output: Path, count: int, condition: Sequence[str], seed: int | None, device: str
) -> dict[str, Any]:
    """Draw samples from a saved generator, write them, and return their shape."""
    generator: Job = load(model, device)
    if not isinstance(generator, Generator):
        raise ParameterError(
            f"sample needs a generator; {model.name!r} is a {type(generator).__name__}. Fit one first."
        )
    conditions = generator.conditions_
    wanted = conditions.parsed(condition) if condition and conditions else list(condition) or None
    result = generator.sample(count, wanted, seed)
    write(output, result)
    return {"samples": count, "shape": list(result.shape), "output": str(output)}


def info(model: Path) -> dict[str, Any]:
    """Return what a saved model is."""
    return facts(load(model, "cpu"))


def recipes() -> list[dict[str, Any]]:
    """Return the named recipes as rows."""
    return [
        {
            "name": row.name,
            "of": of,
            "about": row.about,
            "recipe": repr(row.recipe),
            "loss": row.recipe.equation(),
            "source": row.source,
        }
        for of, rows in (("samples", RECIPES), ("vectors, by a dictionary", OF_VECTORS))
        for row in rows.values()
    ]


def rankers() -> list[dict[str, Any]]:
    """Return the named models of a recommender as rows."""
    return [
        {
            "name": row.name,
            "about": row.about,
            "ranker": repr(row.ranker),
            "scores": row.ranker.equation(),
            "source": row.source,
        }
        for row in RANKERS.values()
    ]


def report(
    model: Path, data: str, output: Path, device: str, target: str | None = None, condition: str | None = None
) -> dict[str, Any]:
    """Write the report of a saved model on data, and return what it shows in numbers."""
    demand_page(output)
    demand_apart(output, model, data, target)
    job: Job = load(model, device)
    if target is not None and not isinstance(job, Recommender):
        X, y = _paired(job, data, target)
    elif condition is not None:
        X, y = _parted(job, job.opened(data), condition)
    else:
        X, y = job.opened(data), None if target is None else job.opened(target)
        _demand_said(job, X)
    page = job.report(X, y)
    page.save(output)
    return {"output": str(output), **page.facts}


def facts(job: Job) -> dict[str, Any]:
    """Return what is worth knowing of a fitted estimator, as plain JSON."""
    found = {"estimator": type(job).__name__, **job.facts()}
    for name in job.scalars:
        value = getattr(job, name)
        found |= {f"{name.rstrip('_')} {k}": v for k, v in value.items()} if isinstance(value, dict) else {name: value}
    return found


def _verb(job: Job, asked: str | None, output: Path, table: bool) -> str:
    """Return the verb that is asked for, or the usual one, if the output can hold what it gives."""
    verb = asked or (table and job.row_verb) or job.verbs[0]
    if verb not in job.verbs:
        raise ParameterError(f"{type(job).__name__}: {unknown('verb', verb, job.verbs)}")
    if isinstance(job, Dictionary) and verb == "transform" and output.suffix.lower() != ".npz":
        raise ParameterError(
            f"Codes of a dictionary are sparse, and written as .npz, which scipy.sparse.load_npz reads; got "
            f"{output.name!r}. Name such a file, or choose --as reconstruct."
        )
    return verb


def _counting(method: Callable[..., Any], count: int | None) -> Callable[..., Any]:
    """Return a verb with the number of answers that is wanted of it, if one is."""
    if count is None:
        return method
    if "n" not in signature(method).parameters:
        raise ParameterError(f"--count is for verbs such as recommend; got it for {method.__name__}. Leave it out.")
    return partial(method, n=count)


def _known(job: Job, data: str | None, users: Sequence[str]) -> Any:
    """Return users of a recommender, named on the command line in place of data, as a frame."""
    if not users:
        raise ParameterError("apply needs DATA, or --user for a recommender; got neither. Name a file.")
    if data is not None or not isinstance(job, Recommender):
        given = f"it beside {data!r}" if data is not None else f"it for a {type(job).__name__}"
        raise ParameterError(f"--user is for a recommender, in place of DATA; got {given}. Leave one out.")
    return package("pandas").DataFrame({"user": job.interactions_.users.parsed(users)})


def _apart(method: Callable[..., Any], job: Job, column: str) -> Callable[[Any], Any]:
    """Return a verb of tables with one column more: what samples are conditioned on, or what is told of them."""
    wanted = "condition" in signature(method).parameters

    def apart(X: Any) -> Any:
        X, y = _parted(job, X, column)
        return method(X, condition=y) if wanted else method(X)

    return apart


def _answer(method: Callable[[Any], Any], column: str | None, X: Any) -> Any:
    """Return what a verb makes of X as it is written: recommendations as a table, one number each as a `column`."""
    result = method(X)
    if isinstance(result, Recommended):
        return package("pandas").DataFrame(result.columns(np.arange(len(result.items))))
    if column is not None and isinstance(result, np.ndarray) and result.ndim == 1:
        return package("pandas").DataFrame({column: result})
    return result


def _single(result: Any) -> bool:
    """Tell whether a result is a table of one column."""
    return hasattr(result, "columns") and result.shape[1] == 1


def _parted(estimator: Job, X: Any, column: str) -> tuple[Any, Any]:
    """Return the table without the column that samples are conditioned on, or that is to be told of them, and that."""
    if not isinstance(estimator, Generator | Classifier | Regressor):
        raise ParameterError(
            f"--condition is for a generator, classifier or regressor; got it for a {type(estimator).__name__}. Leave "
            "it out."
        )
    if not hasattr(X, "columns") or column not in X.columns:
        names = map(str, getattr(X, "columns", ()))
        raise ParameterError(f"--condition needs a column of a table: {unknown('column', column, names)}")
    return X.drop(columns=column), X[column]


def _demand_said(estimator: Job, X: Any) -> None:
    """Raise if a table has one column beside those of training, and nobody said what it is.

    Raises
    ------
    ParameterError
        With the option that says it.
    """
    told = isinstance(estimator, Classifier | Regressor)
    told |= isinstance(estimator, Generator) and estimator.conditions_ is not None
    known = list(getattr(estimator, "feature_names_in_", ()))
    if not told or not known or not hasattr(X, "columns"):
        return
    here = list(map(str, X.columns))
    beside = [name for name in here if name not in known]
    if len(beside) == 1 and set(known) <= set(here):
        raise ParameterError(
            f"DATA has a column beside those of training, {beside[0]!r}. Add --condition {shlex.quote(beside[0])} if "
            f"it is what the {type(estimator).__name__.lower()} was told with --condition, or leave it out of DATA."
        )


def _paired(estimator: Job, data: str, target: str) -> tuple[Any, Any]:
    """Return what is given and what it is to become."""
    if not estimator.pairs:
        raise ParameterError(
            f"--target is for a job that learns from pairs, such as a denoiser; got it for a "
            f"{type(estimator).__name__}. Leave it out."
        )
    demand_pairs(data, target)
    return read(data), read(target)
