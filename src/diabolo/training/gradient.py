"""The gradient of a batch: by autograd, or in closed form where the nets are plain dense stacks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from diabolo.flow import Batch, Code, total
from diabolo.members import Members
from diabolo.model import Autoencoder
from diabolo.nets.closed import Dense

Found = tuple[dict[str, Tensor], Sequence[Tensor | None]]
"""The terms of the loss, () or (M,) for M members, and the gradient of their sum by each weight."""

Gradient = Callable[[Batch], Found]
"""From a batch to its gradient."""


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
    if isinstance(model, Members):
        return _of_members(model)
    stacks = _stacks(model, weights)
    if stacks is not None and isinstance(model, Autoencoder):
        return lambda batch: _closed(model, *stacks, batch)
    return lambda batch: _by_autograd(model, weights, batch)


def _by_autograd(model: nn.Module, weights: Sequence[Tensor], batch: Batch) -> Found:
    terms = model(batch, noise=True).terms()
    return terms, torch.autograd.grad(total(terms).sum(), weights, allow_unused=True)


def _stacks(model: nn.Module, weights: Sequence[Tensor]) -> tuple[Dense, Dense] | None:
    """Return encoder and decoder in closed form if nothing but them has weights, nor any penalty to look at them."""
    if not isinstance(model, Autoencoder) or model.recipe.penalties or any(w.device.type != "cpu" for w in weights):
        return None
    stacks = model.recipe.net.closed(model.encoder, model.decoder)
    found = [id(w) for stack in stacks or () for w in stack.weights]
    return stacks if found == [id(w) for w in weights] else None


def _closed(model: Autoencoder, encoder: Dense, decoder: Dense, batch: Batch) -> Found:
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


def _of_members(members: Members) -> Gradient:
    """Return the gradient of all members at once, that of padding being 0."""
    stacks = _stacks(members.base, list(members.base.parameters()))
    if stacks is None:
        found: Gradient = lambda batch: _by_autograd(members, list(members.weights), batch)  # noqa: E731
    else:
        count = len(stacks[0].weights)
        encoder, decoder = stacks[0].holding(members.weights[:count]), stacks[1].holding(members.weights[count:])
        found = lambda batch: _closed_members(members, encoder, decoder, batch)  # noqa: E731

    def masked(batch: Batch) -> Found:
        terms, gradient = found(batch)
        pairs = zip(gradient, members.masks, strict=True)
        return terms, [g if mask is None or g is None else g * mask for g, mask in pairs]

    return masked


def _closed_members(members: Members, encoder: Dense, decoder: Dense, batch: Batch) -> Found:
    """Do for all members what `_closed` does for one model."""
    base = members.base
    seen, *hidden = members.each(lambda _: _given(*base.corrupt(batch.x)), members.weights[0])  # (M, B, *shape) each
    x = seen.flatten(2)
    h, on_the_way_in = encoder.forward(x)  # (M, B, width)
    z, mean, rate, info = members.each(lambda h: _fields(base.latent(h, True)), h.requires_grad_())
    out, on_the_way_out = decoder.forward(z.detach())  # (M, K * B, D)
    params = out.unflatten(-1, base.recipe.likelihood.shape(base.shape)).requires_grad_()

    def cost(params: Tensor, hidden: list[Tensor], *code: Any) -> dict[str, Tensor]:
        return base.cost(batch, Code(*code), params, *hidden).terms()

    terms = members.each(cost, params, hidden, z, mean, rate, info)
    by_params, by_h = torch.autograd.grad(total(terms).sum(), (params, h), allow_unused=True, retain_graph=True)
    g = by_params.flatten(2)
    of_decoder, first = decoder.backward(z, on_the_way_out, g)
    (by_z,) = torch.autograd.grad(z, h, decoder.by_input(first, g))
    of_encoder, _ = encoder.backward(x, on_the_way_in, by_z if by_h is None else by_z + by_h)
    return terms, (*of_encoder, *of_decoder)


def _fields(code: Code) -> tuple[Any, ...]:
    return code.z, code.mean, code.rate, code.info


def _given(seen: Tensor, hidden: Tensor | None) -> tuple[Tensor, ...]:
    return (seen,) if hidden is None else (seen, hidden)
