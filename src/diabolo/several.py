"""Different autoencoders that see the same batches: the data are read and moved once for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from diabolo.flow import Batch, Output, total
from diabolo.model import Autoencoder


@dataclass
class Sum:
    """What several models cost together."""

    outputs: Sequence[Output]

    @property
    def loss(self) -> Tensor:
        """The sum of their losses, ()."""
        return total(self.terms())

    def terms(self) -> dict[str, Tensor]:
        """Return each term of the loss, summed over those that have it."""
        each = [output.terms() for output in self.outputs]
        names = list(dict.fromkeys(name for terms in each for name in terms))
        return {name: total({str(i): terms[name] for i, terms in enumerate(each) if name in terms}) for name in names}


class Several(nn.Module):
    """Models behind the model protocol: the loss is the sum of theirs, so that none minds the others.

    Unlike `Members` they may differ in everything but the samples they take; no operation is shared.

    Examples
    --------
    >>> import torch
    >>> from diabolo.model import Recipe
    >>> models = [Recipe().build((5,), n) for n in (2, 3)]
    >>> batch = Batch(torch.ones(4, 5))
    >>> bool(Several(models)(batch).loss == models[0](batch).loss + models[1](batch).loss)
    True
    """

    def __init__(self, models: Sequence[Autoencoder]) -> None:
        super().__init__()
        self.models = nn.ModuleList(models)

    def forward(self, batch: Batch, noise: bool = True) -> Sum:
        """Return what a batch costs all of them."""
        return Sum([model(batch, noise) for model in self.models])
