"""What the commands do, in terms of the public face."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast, get_args, get_type_hints

from sklearn.base import TransformerMixin

from diabolo.check import shorten, unknown
from diabolo.cli.restored import are_pictures, demand_pairs, restore
from diabolo.data import Stored, read, write, write_parts
from diabolo.errors import ParameterError
from diabolo.estimators import ESTIMATORS, Estimator, Generator, load
from diabolo.model import Recipe, count_weights
from diabolo.part import Part
from diabolo.recipes import RECIPES, named
from diabolo.text import revise_from_text, value_from_text
from diabolo.training import Progress, Training

_OPTIONS = {"n_components", "recipe", "training", "random_state", "device"}
"""Parameters of every estimator, which have options of their own."""


def make(
    job: str, components: int | None, recipe: str | None, settings: Sequence[str], seed: int, device: str
) -> Estimator:
    """Return the unfitted estimator that a command line describes."""
    jobs = {name.lower(): cls for name, cls in ESTIMATORS.items()}
    if job.lower() not in jobs:
        raise ParameterError(f"Cannot fit: {unknown('estimator', job, jobs)}")
    made = cast(Callable[[], Estimator], jobs[job.lower()])()  # what is not said is left at its default
    own, said = made.get_params(deep=False).keys() - _OPTIONS, [_said(setting) for setting in settings]
    of_job = _of_job(made, [(path, text) for path, text in said if _head(path) in own])
    of_parts = [(path, text) for path, text in said if _head(path) not in own]
    composition, training = _settled(named(made.recipe if recipe is None else recipe), made.schedule, of_parts)
    if components is not None:
        of_job["n_components"] = components
    if training != made.schedule:  # else the job chooses
        of_job["training"] = training
    return made.set_params(recipe=composition, random_state=seed, device=device, **of_job)


def fit(
    estimator: Estimator,
    data: str,
    output: Path,
    checkpoint: Path | None,
    quiet: bool,
    condition: str | None = None,
    target: str | None = None,
) -> dict[str, Any]:
    """Fit, save, and return what came of it."""
    callbacks = () if quiet else (Progress(),)
    if target is not None:
        X, y = _paired(estimator, data, target)
    else:
        X, y = (read(data), None) if condition is None else _parted(estimator, read(data), condition)
    estimator.fit(X, y, callbacks=callbacks, checkpoint=checkpoint)
    estimator.save(output)
    return facts(estimator)


def apply(model: Path, data: str, output: Path, verb: str | None, device: str, quiet: bool) -> dict[str, Any]:
    """Apply a saved model to data, write the result, and return its shape, or what became of pictures."""
    estimator: Estimator = load(model, device)
    table = output.suffix.lower() in (".csv", ".parquet")
    chosen = verb or (table and estimator.row_verb) or estimator.verbs[0]
    if chosen not in estimator.verbs:
        raise ParameterError(f"{type(estimator).__name__}: {unknown('verb', chosen, estimator.verbs)}")
    method, parted = getattr(estimator, chosen), estimator.in_parts
    if estimator.pictures and are_pictures(data, output):
        return restore(method, data, output, quiet)
    samples = read(data)
    if isinstance(estimator, TransformerMixin) and table:
        estimator.set_output(transform="pandas")  # columns with names
    if isinstance(samples, Stored) and parted:
        shape = write_parts(output, map(method, samples.parts()))
    else:
        result = method(samples)
        write(output, result)
        shape = tuple(result.shape)
    return {"samples": shape[0], "shape": list(shape), "output": str(output)}


def sample(
    model: Path, output: Path, count: int, condition: Sequence[str], seed: int | None, device: str
) -> dict[str, Any]:
    """Draw samples from a saved generator, write them, and return their shape."""
    generator: Estimator = load(model, device)
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
            "about": row.about,
            "recipe": repr(row.recipe),
            "loss": row.recipe.equation(),
            "source": row.source,
        }
        for row in RECIPES.values()
    ]


def report(model: Path, data: str, output: Path, device: str) -> dict[str, Any]:
    """Write the report of a saved model on data."""
    load(model, device).report(read(data)).save(output)
    return {"output": str(output)}


def facts(estimator: Estimator) -> dict[str, Any]:
    """Return what is worth knowing of a fitted estimator, as plain JSON."""
    recipe, history = estimator.recipe_, estimator.history_
    found: dict[str, Any] = {
        "estimator": type(estimator).__name__,
        "recipe": shorten(recipe, 500),
        "loss": recipe.equation(),
        "sample": list(estimator.shape_),
        "code": estimator.model_.n,
        "weights": count_weights(estimator.model_),
        "epochs": len(history),
        "best epoch": history.best_epoch,
        "ended": history.stopped,
        "seconds": round(sum(history.columns.get("seconds", [])), 3),
    }
    for name in estimator.scalars:
        value = getattr(estimator, name)
        found |= {f"{name.rstrip('_')} {k}": v for k, v in value.items()} if isinstance(value, dict) else {name: value}
    return found


def _parted(estimator: Estimator, X: Any, column: str) -> tuple[Any, Any]:
    """Return the table without the column that samples are conditioned on, and that."""
    if not isinstance(estimator, Generator):
        raise ParameterError(f"--condition is for a generator; got it for a {type(estimator).__name__}. Leave it out.")
    if not hasattr(X, "columns") or column not in X.columns:
        names = map(str, getattr(X, "columns", ()))
        raise ParameterError(f"--condition needs a column of a table: {unknown('column', column, names)}")
    return X.drop(columns=column), X[column]


def _paired(estimator: Estimator, data: str, target: str) -> tuple[Any, Any]:
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


def _of_job(made: Estimator, settings: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return the parameters of the job itself, some of which are parts."""
    found: dict[str, Any] = {}
    hints = get_type_hints(type(made).__init__)
    for path, text in settings:
        name, rest = _head(path), path[len(_head(path)) :].lstrip("._")
        if not rest:
            found[name] = value_from_text(text, _role(hints.get(name)))
            continue
        part = found.get(name, getattr(made, name))
        if not isinstance(part, Part):
            raise ParameterError(f"Parameter {name!r} is {part!r}, which has no {rest!r}; set {name!r} first.")
        found[name] = revise_from_text(part, rest, text)
    return found


def _role(hint: Any) -> str | None:
    """Return the role of the parts that a parameter may be."""
    if isinstance(hint, type) and issubclass(hint, Part):
        return hint.role
    return next(filter(None, map(_role, get_args(hint))), None)


def _settled(recipe: Recipe, training: Training, settings: Sequence[tuple[str, str]]) -> tuple[Recipe, Training]:
    for path, text in settings:
        if path.startswith("training."):
            training = revise_from_text(training, path.removeprefix("training."), text)
        else:
            recipe = revise_from_text(recipe, path.removeprefix("recipe."), text)
    return recipe, training
