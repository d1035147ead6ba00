"""What a table says that it never said in training: a category, or that a value is missing."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from diabolo.data import Schema
from diabolo.data.categories import MOST
from diabolo.data.standard import KNEE
from diabolo.nearness import Placed


@dataclass(frozen=True)
class Unheard:
    """Numbers of a row (P,) that would say what never was in training.

    A model has learned nothing of these: where they say it all the same, a row is as far off as by a number far out.

    Parameters
    ----------
    losable : Tensor of bool
        The first numbers of columns of which no value was missing.
    strange : Tensor of bool
        Those of other categories, in columns where all categories are known.

    Examples
    --------
    >>> from diabolo.data import Field
    >>> unheard = Unheard.of(Schema((Field("city", "category", categories=("Oslo", "Rome")),)))
    >>> unheard.strange.tolist()
    [False, False, True]
    >>> nothing = torch.zeros(1, 3)
    >>> unheard.far(Placed(nothing, nothing, torch.tensor([[0.0, 0.0, 1.0]]))).residual.tolist()
    [[0.0, 0.0, 3.0]]
    """

    losable: Tensor
    strange: Tensor

    @classmethod
    def of(cls, schema: Schema | None) -> Unheard | None:
        """Return those of a table's columns, if it is a table."""
        if schema is None:
            return None
        losable, strange = (torch.zeros(schema.width, dtype=torch.bool) for _ in range(2))
        for field, place in zip(schema.fields, schema.slices, strict=True):
            losable[place.start] = not field.missing
            if field.kind == "category" and len(field.categories) < MOST:
                strange[place.start + len(field.categories)] = True
        return cls(losable, strange)

    def far(self, found: Placed) -> Placed:
        """Return places with what never was far off."""
        times = found.residual.shape[1] // len(self.strange)
        far = self.strange.repeat(times) & (found.residual + found.rebuilt > 0.5)
        if found.counted is not None:
            lost = self.losable.repeat(times) & ~found.counted
            found, far = replace(found, counted=found.counted | lost), far | lost
        return replace(found, residual=found.residual.masked_fill(far, KNEE)) if bool(far.any()) else found
