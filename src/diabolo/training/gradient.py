"""The gradient of a batch: by autograd, or in closed form where the nets are plain dense stacks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from diabolo.flow import Batch, total
from diabolo.model import Autoencoder
from diabolo.nets.closed import Dense

Gradient = Callable[[Batch], tuple[dict[str, Tensor], Sequence[Tensor | None]]]
"""Batch → terms of the loss, and the gradient of their sum by each weight."""


def gradient_of(model: nn.Module, weights: Sequence[Tensor]) -> Gradient:
    """Return the fastest way to the gradient of `model` by `weights`, which the model must keep.

    Examples
    --------
    >>> from diabolo.model import Recipe
    >>> model = Recipe().build((5,), 2)
    >>> terms, gradient = gradient_of(model, list(model.parameters()))(Batch(torch.ones(3, 5)))
    >>> sorted(terms), gradient[0].shape == next(model.parameters()).shape
    (['distortion', 'rate'], True)
    """
    stacks = _stacks(model, weights)
    if stacks is not None and isinstance(model, Autoencoder):
        return lambda batch: _closed(model, *stacks, batch)
    return lambda batch: _by_autograd(model, weights, batch)


def _by_autograd(
    model: nn.Module, weights: Sequence[Tensor], batch: Batch
) -> tuple[dict[str, Tensor], Sequence[Tensor | None]]:
    terms = model(batch, noise=True).terms()
    return terms, torch.autograd.grad(total(terms), weights, allow_unused=True)


def _stacks(model: nn.Module, weights: Sequence[Tensor]) -> tuple[Dense, Dense] | None:
    """Return encoder and decoder in closed form if nothing but them has weights, nor any penalty to look at them."""
    if not isinstance(model, Autoencoder) or model.recipe.penalties or any(w.device.type != "cpu" for w in weights):
        return None
    stacks = model.recipe.net.closed(model.encoder, model.decoder)
    found = [id(w) for stack in stacks or () for w in stack.weights]
    return stacks if found == [id(w) for w in weights] else None


def _closed(
    model: Autoencoder, encoder: Dense, decoder: Dense, batch: Batch
) -> tuple[dict[str, Tensor], Sequence[Tensor | None]]:
    """Leave the stacks to the closed form, and what is small, latent and likelihood, to autograd."""
    seen, hidden = model.corrupt(batch.x)
    x = seen.flatten(1)
    h, on_the_way_in = encoder.forward(x)  # (B, width)
    code = model.latent(h.requires_grad_(), True)
    z = code.z.detach()  # (K * B, n)
    out, on_the_way_out = decoder.forward(z)  # (K * B, D)
    params = out.view(-1, *model.recipe.likelihood.shape(model.shape))
    terms = model.cost(batch, code, params.requires_grad_(), hidden).terms()
    direct = code.z is h
    by_params, by_h = torch.autograd.grad(total(terms), (params, h), allow_unused=True, retain_graph=not direct)
    g = by_params.flatten(1)
    of_decoder, first = decoder.backward(z, on_the_way_out, g)
    by_z = decoder.by_input(first, g)
    if not direct:
        (by_z,) = torch.autograd.grad(code.z, h, by_z)
    of_encoder, _ = encoder.backward(x, on_the_way_in, by_z if by_h is None else by_z + by_h)
    return terms, (*of_encoder, *of_decoder)
