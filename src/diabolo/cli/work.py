"""What the commands do, in terms of the public face."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from inspect import signature
from pathlib import Path
from typing import Any, cast, get_args, get_type_hints

import numpy as np
from sklearn.base import TransformerMixin

from diabolo.check import unknown
from diabolo.cli.restored import are_pictures, demand_pairs, restore
from diabolo.data import Stored, read, write, write_parts
from diabolo.data.package import package
from diabolo.errors import ParameterError
from diabolo.estimators import ESTIMATORS, Classifier, Dictionary, Generator, Job, Regressor, load
from diabolo.estimators.recommendation.asking import Recommended
from diabolo.files import demand_place
from diabolo.part import Part
from diabolo.rankers import RANKERS
from diabolo.recipes import OF_VECTORS, RECIPES
from diabolo.text import revise_from_text, value_from_text
from diabolo.training import Progress, Training

_OPTIONS = {"n_components", "training", "random_state", "device"}
"""Parameters of every estimator that have options of their own, as has its composition."""


def make(job: str, components: int | None, recipe: str | None, settings: Sequence[str], seed: int, device: str) -> Job:
    """Return the unfitted estimator that a command line describes."""
    jobs = {name.lower(): cls for name, cls in ESTIMATORS.items()}
    if job.lower() not in jobs:
        raise ParameterError(f"Cannot fit: {unknown('estimator', job, jobs)}")
    made = cast(Callable[[], Job], jobs[job.lower()])()  # what is not said is left at its default
    own = made.get_params(deep=False).keys() - _OPTIONS - {made.composition}
    said = [_said(setting) for setting in settings]
    recipe = next((text for path, text in said if path == made.composition), recipe)
    said = [(path, text) for path, text in said if path != made.composition]
    of_job = _of_job(made, [(path, text) for path, text in said if _head(path) in own])
    of_parts = [(path, text) for path, text in said if _head(path) not in own]
    composed = made.composed if recipe is None else made.compose(recipe)
    _demand_known(made, own, composed, [_head(path) for path, _ in of_parts])
    inner = [(path.removeprefix(f"{made.composition}."), text) for path, text in of_parts]
    composed, training = _settled(composed, made.schedule, inner)
    if components is not None:
        of_job["n_components"] = components
    if training != made.schedule:  # else the job chooses
        of_job["training"] = training
    return made.set_params(random_state=seed, device=device, **{made.composition: composed}, **of_job)


def _demand_known(job: Job, own: Iterable[str], composed: Any, heads: Iterable[str]) -> None:
    """Raise unless settings begin with a parameter of the job, of what is composed, or of the training."""
    inner = {knob.name for knob in composed.knobs()} if isinstance(composed, Part) else set()
    known = {*own, *inner, job.composition, "training"}
    for head in heads:
        if head not in known:
            raise ParameterError(f"--set: {unknown('parameter', head, known)}")


def revise(job: Job, settings: Sequence[str], allowed: Sequence[str]) -> None:
    """Set parameters of a fitted estimator that may be set later, as a command line says."""
    said = [_said(setting) for setting in settings]
    for path, _ in said:
        if _head(path) not in allowed:
            raise ParameterError(
                f"Of a fitted model --set takes {', '.join(allowed)}; got {path!r}. Leave it out, or fit anew."
            )
    job.set_params(**_of_job(job, said))


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
    model: Path, data: str, output: Path, verb: str | None, device: str, quiet: bool, count: int | None = None
) -> dict[str, Any]:
    """Apply a saved model to data, write the result, and return its shape, or what became of pictures."""
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
    if estimator.pictures and are_pictures(data, output):
        return restore(method, data, output, quiet)
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
    said = dict(_said(each) if "=" in each else ("", each) for each in condition)
    known = {name: _value(text) for name, text in said.items()}
    result = generator.sample(count, known.get("", known or None), seed)
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


def report(model: Path, data: str, output: Path, device: str) -> dict[str, Any]:
    """Write the report of a saved model on data."""
    job: Job = load(model, device)
    job.report(job.opened(data)).save(output)
    return {"output": str(output)}


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


def _said(setting: str) -> tuple[str, str]:
    path, sign, text = setting.partition("=")
    if not sign:
        raise ParameterError(f"--set needs PATH=VALUE, such as latent.beta=4; got {setting!r}.")
    return path, text


def _value(text: str) -> float | str:
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text


def _head(path: str) -> str:
    return path.replace("__", ".").partition(".")[0]


def _of_job(made: Job, settings: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return the parameters of the job itself, some of which are parts."""
    found: dict[str, Any] = {}
    hints = get_type_hints(type(made).__init__)
    for path, text in settings:
        name, rest = _head(path), path[len(_head(path)) :].lstrip("._")
        if not rest:
            found[name] = value_from_text(text, _role(hints.get(name)))
            continue
        part = found.get(name, getattr(made, name))
        if not isinstance(part, Part) or not part.knobs():
            raise ParameterError(f"Parameter {name!r} is {part!r}, which has no {rest!r}; set {name!r} first.")
        found[name] = revise_from_text(part, rest, text)
    return found


def _role(hint: Any) -> str | None:
    """Return the role of the parts that a parameter may be."""
    if isinstance(hint, type) and issubclass(hint, Part):
        return hint.role
    return next(filter(None, map(_role, get_args(hint))), None)


def _settled(composed: Part, training: Training, settings: Sequence[tuple[str, str]]) -> tuple[Part, Training]:
    for path, text in settings:
        if path.startswith("training."):
            training = revise_from_text(training, path.removeprefix("training."), text)
        else:
            composed = revise_from_text(composed, path, text)
    return composed, training
