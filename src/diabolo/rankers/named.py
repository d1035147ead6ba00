"""The named rankers: rows of one table, read by the estimator, the command line, the docs and the tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from diabolo.check import unknown
from diabolo.errors import ParameterError
from diabolo.model import Recipe
from diabolo.rankers.auto import Auto
from diabolo.rankers.blend import Blend
from diabolo.rankers.ease import EASE
from diabolo.rankers.low_rank import LowRank
from diabolo.rankers.neighbourhood import Neighbourhood
from diabolo.rankers.popularity import Popularity
from diabolo.rankers.ranker import Ranker
from diabolo.rankers.trained import Trained
from diabolo.recipes import OF_HISTORIES
from diabolo.text import parse


@dataclass(frozen=True)
class NamedRanker:
    """A ranker with a name: what it is for, and where it is from."""

    name: str
    ranker: Ranker
    about: str
    source: str


_ROWS = (
    NamedRanker("auto", Auto(), "chosen by the catalogue and by held-out users", "Decision 12"),
    NamedRanker("popularity", Popularity(), "what most have, for everyone", "The floor"),
    NamedRanker("ease", EASE(), "a linear autoencoder without a bottleneck, solved", "Steck 2019"),
    NamedRanker("edlae", EASE(dropout=0.5), "the same, denoising", "Steck 2020"),
    NamedRanker(
        "neighbourhood",
        Neighbourhood(dropout=0.5, balance=0.5),
        "for large catalogues: sparse weights",
        "Ning, Karypis 2011",
    ),
    NamedRanker("low-rank", LowRank(), "a linear autoencoder with a bottleneck: short codes", "Shen et al. 2021"),
    *(NamedRanker(row.name, Trained(row.recipe), row.about, row.source) for row in OF_HISTORIES.values()),
    NamedRanker(
        "blend",
        Blend((*Blend().members, *(Trained(OF_HISTORIES[name].recipe) for name in ("elsa", "deep-vae")))),
        "solved and trained ones, as held-out users like them best",
        "Caruana et al. 2004",
    ),
)
RANKERS = {row.name: row for row in _ROWS}
"""Name → row."""


def named_ranker(model: Ranker | Recipe | str) -> Ranker:
    """Return the ranker of a name, or as written out, or as it is; of a recipe the one that trains it.

    Raises
    ------
    ParameterError
        If there is none of that name, or the text cannot be read.

    Examples
    --------
    >>> named_ranker("edlae"), named_ranker("EASE(200)")
    (EASE(dropout=0.5), EASE(ridge=200))
    """
    if isinstance(model, Ranker):
        return model
    if isinstance(model, Recipe):
        return Trained(model)
    if not isinstance(model, str):
        raise ParameterError(f"Parameter 'model' must be a ranker, a Recipe or a name; got {type(model).__name__}.")
    if "(" in model:
        role = Recipe.role if model.lstrip().startswith(Recipe.__name__) else Ranker.role
        return named_ranker(cast(Ranker | Recipe, parse(model, role)))
    if model not in RANKERS:
        raise ParameterError(f"Parameter 'model': {unknown('model', model, RANKERS)}")
    return RANKERS[model].ranker
