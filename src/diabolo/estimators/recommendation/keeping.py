"""What a recommender learned, as a file has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from diabolo import files
from diabolo.check import shorten
from diabolo.data import Ids, Interactions
from diabolo.errors import FileError
from diabolo.part import from_json
from diabolo.rankers import Ranker
from diabolo.rankers.restoring import parted, whole
from diabolo.training import resolve

if TYPE_CHECKING:
    from diabolo.estimators.recommendation.recommender import Recommender


def document(recommender: Recommender) -> dict[str, Any]:
    """Return what was learned as plain JSON."""
    users, items = recommender.interactions_.matrix.shape
    plain, _ = recommender.scorer_.state()
    return {"ranker": recommender.ranker_.to_json(), "users": users, "items": items, "scorer": plain}


def arrays(recommender: Recommender) -> dict[str, Tensor]:
    """Return what was learned from and what came of it, with the ids of users and items."""
    interactions = recommender.interactions_
    found = {f"scorer.{name}": value for name, value in recommender.scorer_.state()[1].items()}
    found |= {f"histories.{name}": value for name, value in parted(interactions.matrix).items()}
    for kind, matrix in (("rated", interactions.rated), ("likeness", recommender.likeness_)):
        found |= {} if matrix is None else {f"{kind}.{name}": value for name, value in parted(matrix).items()}
    for kind, ids in (("users", interactions.users), ("items", interactions.items)):
        found |= {f"{kind}.{name}": torch.from_numpy(value) for name, value in ids.arrays().items()}
    return found


def rebuild(recommender: Recommender, document: dict[str, Any], arrays: dict[str, Tensor]) -> None:
    """Give a recommender what `document` and `arrays` describe.

    Raises
    ------
    FileError
        If they describe nothing that could have been learned.
    """
    ranker = from_json(document["ranker"])
    if not isinstance(ranker, Ranker):
        raise FileError(f"its model is {shorten(ranker)}")
    counts = document["users"], document["items"]
    if not all(type(count) is int and 1 <= count < 2**31 for count in counts):
        raise FileError(f"it has impossible numbers of users and items: {shorten(counts)}")
    scorer = ranker.restore(document["scorer"], files.under("scorer.", arrays), counts[1])
    matrix = whole(arrays, "histories.", counts)  # now the arrays are known to be as large as the numbers say
    users, items = (_ids(arrays, kind, count) for kind, count in zip(("users", "items"), counts, strict=True))
    sizes = {"rated": counts, "likeness": (len(items), len(items))}
    rated, likeness = (
        whole(arrays, f"{kind}.", size) if files.under(f"{kind}.", arrays) else None for kind, size in sizes.items()
    )
    recommender.ranker_ = ranker
    interactions = Interactions(matrix, users, items, rated=rated)
    recommender.keep(interactions, scorer.to(resolve(recommender.device)), likeness)


def _ids(arrays: dict[str, Tensor], kind: str, count: int) -> Ids:
    return Ids.from_arrays({name: value.numpy() for name, value in files.under(f"{kind}.", arrays).items()}, count)
