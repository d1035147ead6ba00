"""A generator whose codes are made of tokens: what may tell their distribution, and how probable samples are."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from diabolo.check import Whole, demand
from diabolo.errors import FileError, ParameterError
from diabolo.flow import Batch
from diabolo.generation import Evidence
from diabolo.model import Autoencoder, Recipe
from diabolo.outline import outline
from diabolo.priors import Prior, TokenModule, TokenPrior


def demand_tokens(density: Prior | None, recipe: Recipe, n: int) -> None:
    """Raise unless codes of `n` are made of tokens, where their distribution is one of tokens.

    Raises
    ------
    ParameterError
        If they are not, or cannot be made.
    """
    if not isinstance(density, TokenPrior):
        return
    with outline():
        recipe.latent.build(n)  # raises if there are no codes of this size
        if tokens := recipe.latent.tokens(n):
            density.over(tokens, kinds=2)  # raises if there is no distribution of so many
    if not tokens:
        raise ParameterError(
            f"Parameter 'density' cannot be {type(density).__name__} where a code of {type(recipe.latent).__name__} is "
            "not made of tokens; choose Mixture() or Flow(), or a quantised latent, such as latent=VectorQuantized()."
        )


def built(part: TokenPrior, model: Autoencoder) -> TokenModule:
    """Return the module for the tokens of a model, its weights drawn at random.

    Raises
    ------
    FileError
        If its code is not made of tokens.
    """
    tokens = model.recipe.latent.tokens(model.n)
    if not tokens:
        raise FileError("its density is one of tokens, of which its code is not made")
    return part.over(tokens, model.latent.kinds, model.conditioner.size, model.latent.ordered)


def evidence(
    model: Autoencoder,
    density: TokenModule,
    x: Tensor,
    samples: int,
    condition: Tensor | None,
    beside: Callable[[Tensor], Tensor] | None = None,
) -> Evidence:
    """Return how probable each sample is, float64 and on the CPU, with the one code that it has.

    The bound is log p(x | z) + log p(z) for the deterministic code z of x: a sum over all codes could only be larger.

    Parameters
    ----------
    model : Autoencoder
        In evaluation mode.
    density : TokenModule
        The distribution of its tokens.
    x : Tensor (B, *shape)
        Scaled samples.
    samples : int
        Is checked, and else of no account: there is but one code.
    condition : Tensor (B, K), optional
        What is known about each sample.
    beside : callable, optional
        Returns what is added to the params of samples, whatever their codes.
    """
    demand("samples", "log_likelihood", samples, Whole(1))
    with torch.no_grad():
        output = model(Batch(x, condition=condition), noise=False)
        params = output.params if beside is None else output.params + beside(x)
        distortion = model.recipe.likelihood.total(params, x).cpu().double()
        rate = -density.log_probability(output.code.info["indices"], condition).cpu().double()
    return Evidence(-distortion - rate, distortion, rate)
