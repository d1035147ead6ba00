"""Critics: what a penalty learns beside the autoencoder, as a second player in the same loss.

The autoencoder pays by the critic as it is, its weights taken as constants; the critic pays for what it takes for
something else, the codes taken as constants, by a term whose value is 0 and whose gradient is its own. One loss, one
optimiser and one step then train both, and the loss is that of the autoencoder.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad
from torch.nn import functional as F

from diabolo.errors import CapabilityError
from diabolo.penalties.penalty import Encodes, Penalty


class Critic(nn.Module):
    """z (B, n) → log odds (B,) that a code is of the first kind and not of the second, by a net of two hidden layers.

    Examples
    --------
    >>> Critic(3, 8)(torch.zeros(5, 3)).shape
    torch.Size([5])
    """

    def __init__(self, n: int, hidden: int) -> None:
        super().__init__()
        layers = (nn.Linear(n, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU(), nn.Linear(hidden, 1))
        self.layers = nn.Sequential(*layers)

    def forward(self, z: Tensor) -> Tensor:
        return self.layers(z).squeeze(1).to(z.dtype)

    def judged(self, z: Tensor) -> Tensor:
        """Return the log odds of z, whose gradient reaches z but not the critic."""
        return functional_call(self, {name: value.detach() for name, value in self.named_parameters()}, z)

    def learning(self, first: Tensor, second: Tensor, calm: float = 0.0) -> Tensor:
        """Return 0, with the gradient, for the critic alone, of telling codes of the first kind from the second.

        With `calm` it also pays for its squared slope at codes of both kinds: two players who differ much circle each
        other without. Log odds are smaller then than those that are true.

        References
        ----------
        Goodfellow et al., "Generative adversarial nets", NeurIPS 2014, equation 1; the slope: Mescheder, Geiger,
        Nowozin, "Which training methods for GANs do actually converge?", ICML 2018, equation 9.
        """
        if not torch.is_grad_enabled():
            return first.new_zeros(())
        first, second = first.detach(), second.detach()
        pays = F.softplus(-self(first)).mean() + F.softplus(self(second)).mean()
        for z in (first, second) if calm > 0 else ():
            slope = grad(lambda z: self(z).sum())(z)
            pays = pays + 0.5 * calm * slope.square().sum(1).mean()
        return pays - pays.detach()


def critics_of(penalties: Iterable[tuple[str, Penalty]], n: int) -> nn.ModuleDict:
    """Return the critics of named penalties, for codes of `n`, by the same names.

    Examples
    --------
    >>> from diabolo.penalties import MMD, Adversarial
    >>> list(critics_of([("mmd", MMD()), ("adversarial", Adversarial())], 2))
    ['adversarial']
    """
    found = {name: penalty.build(n) for name, penalty in penalties}
    return nn.ModuleDict({name: critic for name, critic in found.items() if critic is not None})


def critic_of(model: Encodes, penalty: Penalty) -> Critic:
    """Return the critic that a penalty built, which the model has.

    Raises
    ------
    CapabilityError
        If it has none.
    """
    critic = getattr(model, "critic", None)
    if not isinstance(critic, Critic):
        raise CapabilityError(
            f"{type(penalty).__name__} asks its critic, which a model has that was built with it: build one, by "
            f"Recipe(penalties=({type(penalty).__name__}(),)).build(shape, n), and call that."
        )
    return critic
