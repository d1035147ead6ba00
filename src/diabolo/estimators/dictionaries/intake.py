"""What a dictionary takes: vectors that arrive one array after the other, and a recipe that says how many are kept."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from diabolo.data import Stored
from diabolo.data.reading import mapped
from diabolo.data.spooled import spooled
from diabolo.model import Recipe

_ACTIVE = 32
"""Latents of a code that may be active, where nobody says how many: at most a quarter of all."""


@contextmanager
def unpacked(X: Any) -> Iterator[Any]:
    """Give what an iterator brings as rows of a file that is there for a while, and a large map as its file."""
    if not isinstance(X, Iterator):
        yield mapped(X)
        return
    with tempfile.TemporaryDirectory(prefix="diabolo-") as folder:
        yield Stored.open(spooled(X, Path(folder) / "vectors.npy"))


def settled(recipe: Recipe, n: int, k: int | None) -> Recipe:
    """Return the recipe with the number of active latents, where it has one: as said, as it is there, or 32.

    Examples
    --------
    >>> from diabolo.latents import L1, TopK
    >>> settled(Recipe(latent=TopK()), 1024, None).latent, settled(Recipe(latent=L1()), 1024, None).latent
    (TopK(k=32), L1())
    """
    if not hasattr(recipe.latent, "k"):
        return recipe
    chosen = k or getattr(recipe.latent, "k", None) or max(1, min(_ACTIVE, n // 4))
    return recipe.revise(latent__k=chosen)
