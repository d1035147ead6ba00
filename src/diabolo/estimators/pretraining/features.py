"""What an autoencoder knows of samples, as numbers: its code, or a hidden layer of its encoder."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from diabolo.errors import ParameterError
from diabolo.latents import Plain
from diabolo.model import Autoencoder
from diabolo.nets.conv import ConvEncoder
from diabolo.nets.grid import to_grid
from diabolo.nets.mlp import MLPEncoder
from diabolo.nets.transformer import TransformerEncoder
from diabolo.priors.diagonal import moments

Layer = int | str
"""The code, or the number of a hidden layer: see `Layers`."""


class Layers:
    """Allowed: the code, or the number of a hidden layer, from 1, or from the end with -1.

    Examples
    --------
    >>> "code" in Layers(), -1 in Layers(), 0 in Layers(), True in Layers()
    (True, True, False, False)
    """

    def __contains__(self, value: object) -> bool:
        return value == "code" or (type(value) is int and 1 <= abs(value) <= 1024)

    def __str__(self) -> str:
        return "'code', or the number of a hidden layer: 1, 2, ..., or -1, -2, ... from the end"


class Features(nn.Module):
    """x (B, *shape), scaled → features (B, width), by the modules of a model, shared with it.

    Parameters
    ----------
    model : Autoencoder
        Whose encoder it is.
    layer : "code" or int
        Which layer: see `Layers`.
    pooling : {"mean", "max", "all"}
        What becomes of the places of a grid, or of the tokens, of a hidden layer.

    Raises
    ------
    ParameterError
        If the encoder has no such hidden layer.

    Examples
    --------
    >>> from diabolo import Recipe
    >>> from diabolo.nets import Conv
    >>> model = Recipe(Conv((8, 16))).build((1, 12, 12), 5)
    >>> [Features(model, layer, "mean").width for layer in ("code", 1, -1)], Features(model, -1, "all").width
    ([5, 8, 16], 144)
    """

    def __init__(self, model: Autoencoder, layer: Layer, pooling: str) -> None:
        super().__init__()
        self.map: _Map = _Code(model) if layer == "code" else _hidden(model, int(layer), pooling)
        self.shape = model.shape
        weight = next(model.parameters())
        with torch.no_grad():
            self.width = self.map(torch.zeros(1, *model.shape, device=weight.device, dtype=weight.dtype)).shape[1]

    def forward(self, x: Tensor) -> Tensor:
        return self.map(x)

    def heights(self) -> dict[str, int]:
        """Return how many layers lie above each weight, by its name: 0 for those next to the features."""
        layers = self.map.layers()
        place = {id(p): i for i, layer in enumerate(layers) for p in layer.parameters()}
        places = {name: place.get(id(p), len(layers)) for name, p in self.named_parameters()}
        top = max(places.values(), default=0)
        return {name: top - place for name, place in places.items()}


class _Map(nn.Module):
    """x (B, *shape) → features (B, width)."""

    def layers(self) -> Sequence[nn.Module]:
        """Return what it is made of, in order; all else lies above."""
        raise NotImplementedError


class _Code(_Map):
    """x → the deterministic code."""

    def __init__(self, model: Autoencoder) -> None:
        super().__init__()
        self.encoder, self.latent = model.encoder, model.latent

    def forward(self, x: Tensor) -> Tensor:
        h = self.encoder(x)[0].to(x.dtype)
        if isinstance(self.latent.part, Plain):
            return h
        return moments(h)[0] if self.latent.part.is_normal else self.latent(h, False).mean  # no rate is needed here

    def layers(self) -> Sequence[nn.Module]:
        return _parts(self.encoder) or ()


class _Hidden(_Map):
    """x → the output of a hidden layer, pooled."""

    def __init__(self, parts: Sequence[nn.Module], pooling: str, places: tuple[int, ...]) -> None:
        super().__init__()
        self.steps, self.pooling, self.places = nn.ModuleList(parts), pooling, places

    def forward(self, x: Tensor) -> Tensor:
        h = x
        for step in self.steps:
            h = step(h)
        h = h.to(x.dtype)
        if self.pooling == "all" or not self.places:
            return h.flatten(1)
        return h.mean(self.places) if self.pooling == "mean" else h.amax(self.places)

    def layers(self) -> Sequence[nn.Module]:
        return list(self.steps)


class _Grid(nn.Module):
    """x (B, *shape) → (B, C, *size)."""

    def forward(self, x: Tensor) -> Tensor:
        return to_grid(x)


class _Tokens(nn.Module):
    """x (B, *shape) → tokens (B, T, width)."""

    def __init__(self, encoder: TransformerEncoder) -> None:
        super().__init__()
        self.patches, self.first, self.positions = encoder.patches, encoder.first, encoder.positions

    def forward(self, x: Tensor) -> Tensor:
        return self.first(self.patches.cut(to_grid(x))) + self.positions


def _parts(encoder: nn.Module) -> list[nn.Module] | None:
    """Return what comes before the hidden layers, and these; None of an encoder whose layers are not known."""
    if isinstance(encoder, MLPEncoder):
        return [nn.Flatten(), *list(encoder.steps)[:-1]]
    if isinstance(encoder, ConvEncoder):
        return [_Grid(), *encoder.levels]
    if isinstance(encoder, TransformerEncoder):
        *blocks, last, norm = encoder.blocks
        return [_Tokens(encoder), *blocks, nn.Sequential(last, norm)]
    return None


def _hidden(model: Autoencoder, layer: int, pooling: str) -> _Map:
    parts = _parts(model.encoder)
    count = 0 if parts is None else len(parts) - 1
    if parts is None or abs(layer) > count:
        net = model.recipe.net
        allowed = f"'code' or from 1 to {count}, or -1 to -{count}" if count else "'code'"
        raise ParameterError(
            f"Parameter 'layer' must be {allowed} for {net!r}; got {layer}. Choose one of these, or another net."
        )
    kept = parts[: (layer if layer > 0 else count + 1 + layer) + 1]
    places = (1,) if isinstance(model.encoder, TransformerEncoder) else tuple(range(2, 1 + _axes(model)))
    return _Hidden(kept, pooling, places)


def _axes(model: Autoencoder) -> int:
    """Return how many axes the output of a hidden layer has beside that of samples."""
    if isinstance(model.encoder, MLPEncoder):
        return 1
    return 3 if len(model.shape) == 3 else 2
