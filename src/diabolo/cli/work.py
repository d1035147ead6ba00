"""What the commands do, in terms of the public face."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import TransformerMixin

from diabolo.check import unknown
from diabolo.cli.restored import are_pictures, demand_pairs, restore
from diabolo.data import Stored, read, write, write_parts
from diabolo.data.package import package
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
) -> dict[str, Any]:
    """Apply a saved model to data or known users, write the result, return its shape, or what became of pictures."""
    estimator: Job = load(model, device)
    table = output.suffix.lower() in (".csv", ".parquet")
    chosen = verb or (table and estimator.row_verb) or estimator.verbs[0]
    if chosen not in estimator.verbs:
        raise ParameterError(f"{type(estimator).__name__}: {unknown('verb', chosen, estimator.verbs)}")
    if isinstance(estimator, Dictionary) and chosen == "transform" and output.suffix.lower() != ".npz":
        raise ParameterError(
            f"Codes of a dictionary are sparse, and written as .npz, which scipy.sparse.load_npz reads; got "
            f"{output.name!r}. Name such a file, or choose --as reconstruct."
        )
    method, parted = _counting(getattr(estimator, chosen), count), estimator.in_parts
    if data is None or users:
        samples, found = _known(estimator, data, users), {}
    elif estimator.pictures and are_pictures(data, output):
        return restore(method, data, output, quiet)
    else:
        samples, found = estimator.opened(data), {}
    if isinstance(estimator, TransformerMixin) and table and not isinstance(estimator, Dictionary):
        estimator.set_output(transform="pandas")  # columns with names
    if isinstance(samples, Stored) and parted:
        shape = write_parts(output, map(method, samples.parts()))
    else:
        result = _tabled(method(samples))
        write(output, result)
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


def report(model: Path, data: str, output: Path, device: str, target: str | None = None) -> dict[str, Any]:
    """Write the report of a saved model on data, and return what it shows in numbers."""
    job: Job = load(model, device)
    if target is not None and not isinstance(job, Recommender):
        X, y = _paired(job, data, target)
    else:
        X, y = job.opened(data), None if target is None else job.opened(target)
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


def _tabled(result: Any) -> Any:
    """Return a result as it is written: recommendations to the rows of a matrix as a table."""
    if not isinstance(result, Recommended):
        return result
    return package("pandas").DataFrame(result.columns(np.arange(len(result.items))))


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


def _paired(estimator: Job, data: str, target: str) -> tuple[Any, Any]:
    """Return what is given and what it is to become."""
    if not estimator.pairs:
        raise ParameterError(
            f"--target is for a job that learns from pairs, such as a denoiser; got it for a "
            f"{type(estimator).__name__}. Leave it out."
        )
    demand_pairs(data, target)
    return read(data), read(target)
