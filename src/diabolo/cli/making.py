"""Making: the estimator that a command line describes, by its name, its composition and ``--set PATH=VALUE``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, cast, get_args, get_type_hints

from diabolo.check import unknown
from diabolo.errors import ParameterError
from diabolo.estimators import ESTIMATORS, Job
from diabolo.part import Part
from diabolo.text import revise_from_text, value_from_text
from diabolo.training import Training

_OPTIONS = {"n_components": "--components", "random_state": "--seed", "device": "--device"}
"""Parameters of every estimator that have options of their own."""


def make(job: str, components: int | None, recipe: str | None, settings: Sequence[str], seed: int, device: str) -> Job:
    """Return the unfitted estimator that a command line describes."""
    jobs = {name.lower(): cls for name, cls in ESTIMATORS.items()}
    if job.lower() not in jobs:
        if Path(job).suffix or Path(job).exists():
            told = "The estimator comes before the data: diabolo fit detector DATA"
            raise ParameterError(f"{told}; got {job!r}. Swap them.")
        raise ParameterError(f"Cannot fit: {unknown('estimator', job, jobs)}")
    made = cast(Callable[[], Job], jobs[job.lower()])()  # what is not said is left at its default
    own = made.get_params(deep=False).keys() - _OPTIONS.keys() - {"training", made.composition}
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


def revise(job: Job, settings: Sequence[str], allowed: Sequence[str]) -> None:
    """Set parameters of a fitted estimator that may be set later, as a command line says."""
    said = [_said(setting) for setting in settings]
    for path, _ in said:
        if _head(path) not in allowed:
            raise ParameterError(
                f"Of a fitted model --set takes {', '.join(allowed)}; got {path!r}. Leave it out, or fit anew."
            )
    job.set_params(**_of_job(job, said))


def _demand_known(job: Job, own: Iterable[str], composed: Any, heads: Iterable[str]) -> None:
    """Raise unless settings begin with a parameter of the job, of what is composed, or of the training."""
    inner = {knob.name for knob in composed.knobs()} if isinstance(composed, Part) else set()
    known = {*own, *inner, job.composition, "training"}
    for head in heads:
        if head in _OPTIONS and head not in known:
            raise ParameterError(f"--set: {head} has an option of its own; use {_OPTIONS[head]} in place of --set.")
        if head not in known:
            raise ParameterError(f"--set: {unknown('parameter', head, known)}")


def _said(setting: str) -> tuple[str, str]:
    path, sign, text = setting.partition("=")
    if not sign:
        raise ParameterError(f"--set needs PATH=VALUE, such as latent.beta=4; got {setting!r}.")
    return path, text


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
