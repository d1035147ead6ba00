"""Another recipe for a built model: its modules compute by the parts of that one then."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from typing import Any, Protocol

from torch import Size, nn

from diabolo.part import Part

Held = tuple[tuple[nn.Module, tuple[str, ...]], ...]
"""Modules that compute by a part, and where in the recipe it stands."""


class _Composed(Protocol):
    recipe: Any

    def modules(self) -> Iterable[nn.Module]: ...


def held(model: _Composed) -> Held:
    """Return the modules of a model that compute by a part of its recipe, their `part`.

    Examples
    --------
    >>> from diabolo.latents import Gaussian
    >>> from diabolo.model import Recipe
    >>> from diabolo.priors import Composite
    >>> [path for _, path in held(Recipe(latent=Gaussian(prior=Composite())).build((5,), 2))]
    [('latent',), ('latent', 'prior')]
    """
    flat = model.recipe.get_params()
    places = {id(part): tuple(path.split("__")) for path, part in flat.items() if isinstance(part, Part)}
    parts = ((module, id(getattr(module, "part", None))) for module in model.modules())
    return tuple((module, places[part]) for module, part in parts if part in places)


def pose(model: _Composed, modules: Held, recipe: Any) -> None:
    """Let a model, and the modules in it that hold a part, compute by those of another recipe of the same shape."""
    model.recipe = recipe
    for module, path in modules:
        setattr(module, "part", reduce(_inner, path, recipe))  # noqa: B010  (a module may hold any part)


def shapes(module: nn.Module) -> dict[str, Size]:
    """Return the shape of each weight and buffer."""
    return {name: value.shape for name, value in module.state_dict().items()}


def _inner(part: Any, name: str) -> Any:
    return part[int(name)] if isinstance(part, tuple) else getattr(part, name)
