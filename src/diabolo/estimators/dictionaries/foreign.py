"""Dictionaries of other libraries as ours, and ours as theirs."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from diabolo.data import Scaling
from diabolo.errors import CapabilityError
from diabolo.estimators.fitted import FittedModel
from diabolo.exchange import Weights
from diabolo.latents import L1, BatchTopK, Gated, JumpReLU, Latent, TopK
from diabolo.likelihoods import SquaredError
from diabolo.model import Autoencoder, Recipe
from diabolo.nets import Atoms
from diabolo.penalties import Matryoshka
from diabolo.seeding import seeded
from diabolo.training import History

if TYPE_CHECKING:
    from diabolo.estimators.dictionaries.dictionary import Dictionary

_SMALLEST = 1e-30
"""Threshold in place of 0, which has no logarithm."""


def adopt(dictionary: Dictionary, weights: Weights) -> None:
    """Give a new dictionary what another library has learned.

    Raises
    ------
    CapabilityError
        If its codes are made in a way that no recipe has.
    """
    weights = weights.folded().to(torch.float32)
    if weights.skip is not None or weights.norm != "none" or weights.kind not in _LATENTS:
        what = "a skip" if weights.skip is not None else f"samples normed by {weights.norm!r}"
        what = f"codes of kind {weights.kind!r}" if weights.kind not in _LATENTS else what
        raise CapabilityError(f"A dictionary with {what} is no composition of diabolo; use its Weights as they are.")
    latent = _LATENTS[weights.kind](weights)
    recipe = Recipe(Atoms(unit=False), latent, SquaredError())
    with seeded(0):
        model = recipe.build((weights.inputs,), weights.latents, target=(weights.target,))
    centre = weights.decoder_bias if weights.subtracts_bias else torch.zeros(weights.inputs)
    _fill(model, weights)
    dictionary._shape = (weights.inputs,)
    dictionary._know(weights.inputs)
    dictionary._keep(FittedModel(model, _shifted(centre), History(stopped="read")))
    dictionary.target_scaling_ = _shifted(torch.zeros(weights.target)) if weights.transcodes else None
    dictionary.fvu_ = dictionary.l0_ = dictionary.dead_ = None


def _shifted(shift: Tensor) -> Scaling:
    centre = shift.double().numpy()
    return Scaling(centre, np.ones_like(centre))


@torch.no_grad()
def _fill(model: Autoencoder, weights: Weights) -> None:
    state = {
        "encoder.weight": weights.encoder,
        "encoder.bias": weights.encoder_bias,
        "decoder.weight": weights.decoder,
        "decoder.bias": weights.decoder_bias * (0 if weights.subtracts_bias else 1),
    }
    if weights.kind == "gated":  # our gate's bias is the encoder's, and adds to the magnitude's
        gate, log_scale = (torch.as_tensor(each) for each in (weights.gate_bias, weights.log_scale))
        state["encoder.bias"] = weights.encoder_bias + gate
        state["latent.log_scale"] = log_scale
        state["latent.bias"] = torch.as_tensor(weights.magnitude_bias) - log_scale.exp() * gate
    elif isinstance(model.recipe.latent, JumpReLU):
        state["latent.log_threshold"] = torch.as_tensor(weights.threshold).clamp_min(_SMALLEST).log()
    elif isinstance(model.recipe.latent, BatchTopK):
        state["latent.threshold"], state["latent.seen"] = torch.as_tensor(weights.threshold)[0], torch.ones(())
    model.load_state_dict(state)


def _batch(weights: Weights) -> Latent:
    if weights.threshold is None:
        raise CapabilityError("A dictionary of kind 'batch-topk' needs a threshold to make codes one by one; give one.")
    same = bool((weights.threshold == weights.threshold[0]).all())
    return BatchTopK(max(1, round(weights.k or 1))) if same else JumpReLU()


_LATENTS: dict[str, Callable[[Weights], Latent]] = {
    "relu": lambda _: L1(0.0),
    "topk": lambda weights: TopK(int(weights.k or 1), positive=True),
    "batch-topk": _batch,
    "jumprelu": lambda _: JumpReLU(),
    "gated": lambda _: Gated(),
}


@torch.no_grad()
def exported(dictionary: Dictionary) -> Weights:
    """Return what a fitted dictionary has learned as other libraries keep it: for samples as they come.

    Raises
    ------
    CapabilityError
        If its latent is one that they do not know.
    """
    model, scaling, towards = dictionary.model_, dictionary.scaling_, dictionary.target_scaling_
    map, atoms = model.recipe.net.map(model.encoder), model.recipe.net.atoms(model.decoder)
    kind = next((kind for cls, kind in _KINDS if isinstance(model.recipe.latent, cls)), None)
    if map is None or atoms is None or kind is None:
        raise CapabilityError(f"No other library has dictionaries of {model.recipe!r}; save them with save(path).")
    target = towards or scaling
    bias = torch.from_numpy(target.shift) + model.decoder.get_parameter("bias").cpu() * torch.from_numpy(target.scale)
    encoder = map.weight.cpu().double() / torch.from_numpy(scaling.scale)
    centre = bias if towards is None else torch.zeros(len(scaling.shift), dtype=torch.float64)
    moved = map.bias.cpu() + encoder @ (centre - torch.from_numpy(scaling.shift))
    learned = {name: value.cpu() for name, value in model.latent.state_dict().items()}
    more, moved = _more(kind, model.recipe.latent, learned, moved)
    decoder = atoms.cpu().double() * torch.from_numpy(target.scale)
    return Weights(
        encoder,
        moved,
        decoder,
        bias,
        kind,
        subtracts_bias=towards is None,
        transcodes=towards is not None,
        groups=_groups(model),
        **more,
    ).to(torch.float32)


def _groups(model: Autoencoder) -> tuple[int, ...]:
    """Return the sizes of nested groups of latents, where there are any."""
    nested = next((each for each in model.recipe.penalties if isinstance(each, Matryoshka)), None)
    ends = [0, *(nested.sizes(model.n) if nested else []), model.n]
    return tuple(end - start for start, end in pairwise(ends) if end > start) if nested else ()


def _more(kind: str, latent: Latent, learned: dict[str, Tensor], bias: Tensor) -> tuple[dict[str, Any], Tensor]:
    """Return what a kind has beside its maps, and the encoder's bias."""
    if kind == "gated":
        log_scale = learned["log_scale"].double()
        magnitude = learned["bias"] + log_scale.exp() * bias
        return {"log_scale": log_scale, "gate_bias": bias, "magnitude_bias": magnitude}, torch.zeros_like(bias)
    if kind == "jumprelu":
        return {"threshold": learned["log_threshold"].double().exp()}, bias
    if kind == "batch-topk":
        return {
            "threshold": learned["threshold"].double().expand(len(bias)).clone(),
            "k": getattr(latent, "k", 1),
        }, bias
    return ({"k": getattr(latent, "k", 1)} if kind == "topk" else {}), bias


_KINDS: tuple[tuple[type[Latent], str], ...] = (
    (TopK, "topk"),
    (BatchTopK, "batch-topk"),
    (JumpReLU, "jumprelu"),
    (Gated, "gated"),
    (L1, "relu"),
)
