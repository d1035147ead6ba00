"""The gradient of a batch: by autograd, or in closed form where the nets are plain dense stacks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn

from diabolo.flow import Batch, Code, counted, total, weighted_mean
from diabolo.latents import LatentModule
from diabolo.members import Members
from diabolo.model import Autoencoder
from diabolo.nets.closed import Dense, Rounded, Stack
from diabolo.sparse import dense
from diabolo.training.device import arithmetic, worth_rounding
from diabolo.training.together import Found, Gradient, closed_of


def gradient_of(
    model: nn.Module, weights: Sequence[Tensor], precision: str = "float32", batch_size: int = 1
) -> Gradient:
    """Return the fastest way to the gradient of `model` by `weights`, which the model must keep.

    The net computes in `precision`, as `Training` has it, the rest of the loss in that of the weights; with "auto" it
    depends on the device and, for dense stacks on a CPU, on how much a batch of that size takes.

    Examples
    --------
    >>> from diabolo.model import Recipe
    >>> model = Recipe().build((5,), 2)
    >>> terms, gradient = gradient_of(model, list(model.parameters()))(Batch(torch.ones(3, 5)))
    >>> sorted(terms), gradient[0].shape == next(model.parameters()).shape
    (['distortion', 'rate'], True)
    """
    base = model.base if isinstance(model, Members) else model
    known = stacks_of(base, weights if base is model else list(base.parameters()))
    if known is None or not isinstance(base, Autoencoder):
        found: Gradient = partial(_by_autograd, model, weights, precision)
    else:
        auto = precision == "auto" and base is model  # the products of members are small
        rounded = precision == "bfloat16" or (auto and worth_rounding(base, batch_size))
        stacks = [Rounded(stack) if rounded else stack for stack in known]
        found = closed_of(model, *stacks) if isinstance(model, Members) else partial(_closed, base, *stacks)
    return partial(_masked, found, model.masks) if isinstance(model, Members) else found


def _masked(found: Gradient, masks: Sequence[Tensor | None], batch: Batch) -> Found:
    """Return what was found, the gradient of the padding of members set to 0."""
    terms, gradient = found(batch)
    pairs = zip(gradient, masks, strict=True)
    return terms, [g if mask is None or g is None else g * mask for g, mask in pairs]


def _by_autograd(model: nn.Module, weights: Sequence[Tensor], precision: str, batch: Batch) -> Found:
    with arithmetic(precision, batch.x.device, nets_alone=isinstance(model, Autoencoder | Members)):
        terms = model(batch, noise=True).terms()
    return terms, torch.autograd.grad(total(terms).sum(), weights, allow_unused=True)


def stacks_of(model: nn.Module, weights: Sequence[Tensor]) -> tuple[Dense, Dense] | None:
    """Return encoder and decoder in closed form if nothing but them has weights, nor any penalty to look at them."""
    if not isinstance(model, Autoencoder) or model.recipe.penalties:
        return None
    if any(w.device.type != "cpu" for w in weights):  # where single operations are cheap, or recorded
        return None
    stacks = model.recipe.net.closed(model.encoder, model.decoder)
    found = [id(w) for stack in stacks or () for w in stack.weights]
    return stacks if found == [id(w) for w in weights] else None


@torch.no_grad()
def _closed(model: Autoencoder, encoder: Stack, decoder: Stack, batch: Batch) -> Found:
    """Leave the stacks to the closed form; latent and likelihood too, or to autograd where they have none."""
    seen, hidden = model.corrupt(batch.x)
    x = dense(seen).flatten(1)
    h, on_the_way_in = encoder.forward(x)  # (B, width)
    closed = model.latent.closed(h)
    code = _recorded(model.latent, h) if closed is None else closed.code
    z = code.z.detach()  # (K * B, n)
    out, on_the_way_out = decoder.forward(z)  # (K * B, D)
    params = out.view(-1, *model.recipe.likelihood.shape(model.target))
    known = _slope(model, batch, code, params, hidden, h) if len(z) == len(h) else None
    terms, by_params, by_h = known or _middle(model, batch, code, params, hidden, h)
    g = by_params.flatten(1)
    of_decoder, through = decoder.backward(z, on_the_way_out, g)
    by_z = through()
    if closed is not None:
        by_h = closed.back(by_z, 1 / len(h) if batch.weight is None else _shares(batch.weight).unsqueeze(1))
    else:
        (rest,) = torch.autograd.grad(code.z, h, by_z)
        by_h = rest if by_h is None else rest + by_h
    of_encoder, _ = encoder.backward(x, on_the_way_in, by_h)
    return terms, (*of_encoder, *of_decoder)


@torch.enable_grad()
def _recorded(latent: LatentModule, h: Tensor) -> Code:
    return latent(h.requires_grad_(), True)


def _shares(weight: Tensor) -> Tensor:
    """Return the shares (B,) of samples in their weighted mean."""
    return weight / weight.sum()


def _slope(
    model: Autoencoder, batch: Batch, code: Code, params: Tensor, hidden: Tensor | None, h: Tensor
) -> tuple[dict[str, Tensor], Tensor, Tensor | None] | None:
    """Return what `_middle` does, of one draw of the code, if the likelihood knows its slope."""
    target = dense(batch.x if batch.target is None else batch.target)
    found = model.recipe.likelihood.slope(params, target)
    if found is None:
        return None
    each, slope = found if hidden is None else (part * counted(hidden) for part in found)
    if batch.weight is None:
        distortion, share = each.sum() / len(slope), 1 / len(slope)
    else:
        share = _shares(batch.weight)
        distortion, share = each.flatten(1).sum(1) @ share, share.view(-1, *[1] * (slope.ndim - 1))
    with torch.set_grad_enabled(code.rate.requires_grad):
        rate = weighted_mean(code.rate, batch.weight)
    by_h = torch.autograd.grad(rate, h, retain_graph=True)[0] if rate.requires_grad else None
    return {"distortion": distortion, "rate": rate}, slope.mul_(share), by_h


@torch.enable_grad()
def _middle(
    model: Autoencoder, batch: Batch, code: Code, params: Tensor, hidden: Tensor | None, h: Tensor
) -> tuple[dict[str, Tensor], Tensor, Tensor | None]:
    """Return the terms, and by autograd their gradients by the params and, other than through z, by h."""
    terms = model.cost(batch, code, params.requires_grad_(), hidden).terms()
    by_params, by_h = torch.autograd.grad(
        total(terms), (params, h.requires_grad_()), allow_unused=True, retain_graph=True
    )
    return terms, by_params, by_h
