"""Annealing: what the schedules of a training do to a model, epoch by epoch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from torch import nn

from diabolo.check import shorten, unknown
from diabolo.errors import CapabilityError, ParameterError
from diabolo.model import Autoencoder, Recipe
from diabolo.schedules import Schedule

_SHAPING = ("net", "pretraining")  # decide on weights, and so cannot change


def demand_numbers(model: nn.Module, schedules: Sequence[Schedule]) -> None:
    """Raise unless each of the schedules leads to a number of its own, that may change in a built model.

    Raises
    ------
    ParameterError
        If one leads to no such number, or two lead to the same.
    CapabilityError
        If the model is not a single autoencoder.
    """
    if not schedules:
        return
    if not isinstance(model, Autoencoder):
        raise CapabilityError(
            f"Parameter 'schedules' of Training must be () for {type(model).__name__}; got {shorten(schedules)}. "
            "Schedules change one autoencoder: train several apart from each other."
        )
    numbers = _numbers(model.recipe)
    for schedule in schedules:
        if _place(schedule) not in numbers:
            raise ParameterError(
                f"Parameter 'path' of {type(schedule).__name__} must lead to a number of the recipe that can change in "
                f"training: {unknown('number', schedule.path, numbers or ['none in this recipe'])}"
            )
        _demand_allowed(model.recipe, schedule, numbers[_place(schedule)])
    places = [_place(schedule) for schedule in schedules]
    twice = next((place for place in places if places.count(place) > 1), None)
    if twice is not None:
        raise ParameterError(
            f"Parameter 'schedules' of Training must have at most one for each number; got {places.count(twice)} for "
            f"{twice!r}: leave one of them."
        )


def _demand_allowed(recipe: Recipe, schedule: Schedule, end: float) -> None:
    try:
        recipe.revise(**{_place(schedule): schedule.value(0.0, end)}).check()
    except ParameterError as error:
        raise ParameterError(f"{schedule!r} starts where it may not: {error}") from error


@contextmanager
def annealed(model: Any, schedules: Sequence[Schedule], progress: float) -> Iterator[dict[str, float]]:
    """Let the model compute with the values of this `progress` for a while; yield them by their paths.

    Examples
    --------
    >>> from diabolo.latents import Gaussian
    >>> from diabolo.schedules import WarmUp
    >>> model = Recipe(latent=Gaussian(beta=4.0)).build((5,), 2)
    >>> with annealed(model, (WarmUp(),), 0.25) as values:
    ...     values, model.recipe.latent.beta
    ({'latent__beta': 2.0}, 2.0)
    >>> model.recipe.latent.beta
    4.0
    """
    own = model.recipe.get_params() if schedules else {}
    values = {_place(schedule): schedule.value(progress, own[_place(schedule)]) for schedule in schedules}
    try:
        for place, value in values.items():
            model.revise(place, value)
        yield values
    finally:
        for place in values:
            model.revise(place, own[place])


def at_rest(model: Any, values: Mapping[str, float]) -> bool:
    """Tell whether these values, as `annealed` yields them, are those of the model's own recipe."""
    own = model.recipe.get_params() if values else {}
    return all(own[place] == value for place, value in values.items())


def _place(schedule: Schedule) -> str:
    return schedule.path.replace(".", "__")


def _numbers(recipe: Recipe) -> dict[str, float]:
    """Return the numbers that may change, by their paths; not those that must be whole."""
    found = {}
    for path, value in recipe.get_params().items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if number and path.split("__")[0] not in _SHAPING and _divisible(recipe, path, value):
            found[path] = value
    return found


def _divisible(recipe: Recipe, path: str, value: float) -> bool:
    """Tell whether a knob allows not only whole numbers: it allows its own value as one that is none."""
    try:
        recipe.revise(**{path: float(value)}).check()
    except ParameterError:
        return False
    return True
