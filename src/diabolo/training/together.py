"""The gradient of all members in one pass, the stacks in closed form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from diabolo.flow import Batch, Code, total
from diabolo.latents import Plain
from diabolo.members import Members
from diabolo.nets.closed import Stack

Found = tuple[dict[str, Tensor], Sequence[Tensor | None]]
"""The terms of the loss, () or (M,) for M members, and the gradient of their sum by each weight."""

Gradient = Callable[[Batch], Found]
"""From a batch to its gradient."""


def closed_of(members: Members, encoder: Stack, decoder: Stack) -> Gradient:
    """Return the gradient of members whose base has these stacks."""
    count = len(encoder.weights)
    return partial(_closed, members, encoder.holding(members.weights[:count]), decoder.holding(members.weights[count:]))


@torch.no_grad()
def _closed(members: Members, encoder: Stack, decoder: Stack, batch: Batch) -> Found:
    """Leave the stacks to the closed form, and what is small, latent and likelihood, to autograd."""
    base = members.base
    seen, *hidden = _seen(members, batch.x)  # (M, B, *shape) each
    x = seen.flatten(2)
    h, on_the_way_in = encoder.forward(x)  # (M, B, width)
    plain = isinstance(base.recipe.latent, Plain)
    with torch.set_grad_enabled(not plain):
        z, *code = (h,) if plain else members.each(lambda h: _fields(base.latent(h, True)), h.requires_grad_())
    out, on_the_way_out = decoder.forward(z.detach())  # (M, K * B, D)
    params = out.view(*out.shape[:2], *base.recipe.likelihood.shape(base.target))
    known = _slope(members, batch, params) if plain and not hidden else None
    terms, by_params, by_h = known or _middle(members, batch, params, hidden, z, code, h)
    g = by_params.flatten(2)
    of_decoder, through = decoder.backward(z, on_the_way_out, g)
    by_z = through()
    if not plain:
        (by_z,) = torch.autograd.grad(z, h, by_z)
    of_encoder, _ = encoder.backward(x, on_the_way_in, by_z if by_h is None else by_z + by_h)
    return terms, (*of_encoder, *of_decoder)


def _seen(members: Members, x: Tensor) -> Sequence[Tensor]:
    base = members.base
    if base.recipe.corruption is None:
        return (x.expand(len(members), *x.shape),)
    return members.each(lambda _: _given(*base.corrupt(x)), members.weights[0])


def _slope(members: Members, batch: Batch, params: Tensor) -> tuple[dict[str, Tensor], Tensor, None] | None:
    """Return what `_slope` does, where all members have one likelihood."""
    if batch.weight is not None or any(path.startswith("likelihood") for path in members.paths):
        return None
    target = batch.x if batch.target is None else batch.target
    found = members.base.recipe.likelihood.slope(
        params.flatten(0, 1), target.repeat(len(members), *[1] * target[0].ndim)
    )
    if found is None:
        return None
    distortion = found[0].view(len(members), -1).sum(1) / len(target)  # (M,)
    terms = {"distortion": distortion, "rate": torch.zeros_like(distortion)}
    return terms, found[1].view_as(params) / len(target), None


@torch.enable_grad()
def _middle(
    members: Members, batch: Batch, params: Tensor, hidden: list[Tensor], z: Tensor, code: list[Any], h: Tensor
) -> tuple[dict[str, Tensor], Tensor, Tensor | None]:
    """Return the terms, and by autograd their gradients by the params and, other than through z, by h."""

    def cost(params: Tensor, hidden: list[Tensor], z: Tensor, code: list[Any], h: Tensor) -> dict[str, Tensor]:
        whole = Code(z, *code) if code else members.base.latent(h, True)
        return members.base.cost(batch, whole, params, *hidden).terms()

    terms = members.each(cost, params.requires_grad_(), hidden, z, code, h.requires_grad_())
    by_params, by_h = torch.autograd.grad(total(terms).sum(), (params, h), allow_unused=True, retain_graph=True)
    return terms, by_params, by_h


def _fields(code: Code) -> tuple[Any, ...]:
    return code.z, code.mean, code.rate, code.info


def _given(seen: Tensor, hidden: Tensor | None) -> tuple[Tensor, ...]:
    return (seen,) if hidden is None else (seen, hidden)
