"""What a sparse dictionary is, whichever library wrote it: plain values, and what they compute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field, fields, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from diabolo.check import Flag, Number, OneOf, Whole, demand
from diabolo.errors import DataError
from diabolo.exchange.activations import ACTIVATIONS
from diabolo.exchange.arrays import FLOATS
from diabolo.exchange.norms import NORMS


@dataclass(frozen=True, eq=False, repr=False)
class Weights:
    """A sparse dictionary of d inputs and n latents: z = activation(E·(x − b) + e), x̂ = Dᵀ·z + b.

    All tensors have one dtype, which is what `encode` and `decode` compute in.

    Parameters
    ----------
    encoder : Tensor (n, d)
    encoder_bias : Tensor (n,)
        Zeros for a gated dictionary, which has two biases of its own.
    decoder : Tensor (n, target)
        Its rows are the atoms.
    decoder_bias : Tensor (target,)
    kind : str
        How codes are made of pre-activations, see `diabolo.exchange.activations`.
    k : float or None
        Latents per sample: a whole number, but for "batch-topk", where it is an average.
    threshold : Tensor (n,) or None
        What a pre-activation must exceed, of "jumprelu"; of "batch-topk" what stands for the choice among a batch, so
        that codes do not depend on it.
    gate_bias, magnitude_bias, log_scale : Tensor (n,) or None
        Of "gated" (Rajamanoharan et al. 2024, equations 6 and 7).
    skip : Tensor (target, d) or None
        What is added to the reconstruction: skip·x.
    subtracts_bias : bool
        Whether the decoder bias is taken off the input before encoding.
    transcodes : bool
        Whether what is rebuilt is another vector than the input.
    norm : str
        What is done to each sample first, and undone last, see `diabolo.exchange.norms`.
    scale : float
        What inputs are multiplied with first, and reconstructions divided by last; `folded` takes it into the weights.
    groups : tuple of int
        Sizes of the nested groups of a Matryoshka dictionary, the first latents first; empty for others.
    sparsity : Tensor (n,) or None
        log₁₀ of how often each latent is active.
    about : dict
        Plain JSON: where it comes from, such as the library, the model and the place in it.

    Raises
    ------
    ParameterError
        If a plain value is not allowed.
    DataError
        If tensors are missing, of other shapes or dtypes than these, or hold anything but finite numbers.

    References
    ----------
    Gao et al., "Scaling and evaluating sparse autoencoders", 2024; Rajamanoharan et al., "Improving dictionary learning
    with gated sparse autoencoders", 2024; Dunefsky et al., "Transcoders find interpretable LLM feature circuits", 2024.

    Examples
    --------
    >>> atoms = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]])
    >>> weights = Weights(atoms, torch.zeros(3), atoms, torch.zeros(2), "topk", k=1)
    >>> weights
    Weights('topk', 2 inputs, 3 latents, a target of 2, k=1)
    >>> z = weights.encode(torch.tensor([[3.0, 4.0]]))
    >>> z, weights.decode(z)
    (tensor([[0., 0., 5.]]), tensor([[3., 4.]]))
    """

    encoder: Tensor
    encoder_bias: Tensor
    decoder: Tensor
    decoder_bias: Tensor
    kind: str = "relu"
    _: KW_ONLY
    k: float | None = None
    threshold: Tensor | None = None
    gate_bias: Tensor | None = None
    magnitude_bias: Tensor | None = None
    log_scale: Tensor | None = None
    skip: Tensor | None = None
    subtracts_bias: bool = True
    transcodes: bool = False
    norm: str = "none"
    scale: float = 1.0
    groups: tuple[int, ...] = ()
    sparsity: Tensor | None = None
    about: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        demand("kind", "Weights", self.kind, OneOf(*ACTIVATIONS))
        demand("norm", "Weights", self.norm, OneOf(*NORMS))
        demand("scale", "Weights", self.scale, Number(0, open_low=True))
        for name in ("subtracts_bias", "transcodes"):
            demand(name, "Weights", getattr(self, name), Flag())
        self._check_tensors()
        self._check_counts()

    def __repr__(self) -> str:
        k = "" if self.k is None else f", k={self.k:g}"
        return f"Weights({self.kind!r}, {self.inputs} inputs, {self.latents} latents, a target of {self.target}{k})"

    @property
    def inputs(self) -> int:
        """The width of what is encoded, d."""
        return self.encoder.shape[1]

    @property
    def latents(self) -> int:
        """The number of latents, n."""
        return self.encoder.shape[0]

    @property
    def target(self) -> int:
        """The width of what is rebuilt: d but for transcoders."""
        return self.decoder.shape[1]

    @property
    def tensors(self) -> dict[str, Tensor]:
        """The tensors that it has, by the name of the field."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, Tensor)}

    def encode(self, x: Tensor) -> Tensor:
        """Return the codes (B, n), dense, of samples (B, d), as the library that wrote the dictionary makes them.

        To the last bit on the same machine; those of SAELens that are gated, or rescaled by the norms of their atoms,
        to rounding.

        Raises
        ------
        DataError
            If the samples have another width.
        """
        centred = NORMS[self.norm].into(self._checked(x) * self.scale)
        if self.subtracts_bias:
            centred = centred - self.decoder_bias
        return ACTIVATIONS[self.kind].codes(self, self._before(centred))

    def decode(self, z: Tensor, x: Tensor | None = None) -> Tensor:
        """Return the reconstructions (B, target) of codes (B, n).

        Parameters
        ----------
        z : Tensor (B, n)
        x : Tensor (B, d) or None
            The samples, where the reconstruction takes more from them than the code: past a skip, or their own norm.

        Raises
        ------
        DataError
            If the codes have another width, or the samples are needed and not given.
        """
        if z.ndim != 2 or z.shape[1] != self.latents:
            raise DataError(f"Codes must have the shape (B, {self.latents}); got {tuple(z.shape)}.")
        rebuilt = z.to(self.decoder.dtype) @ self.decoder + self.decoder_bias
        if self.skip is None and self.norm == "none":
            return rebuilt / self.scale
        if x is None:
            raise DataError("This dictionary rebuilds with the help of its input; give the samples as x too.")
        samples = self._checked(x)
        rebuilt = NORMS[self.norm].back(rebuilt, samples * self.scale) / self.scale
        return rebuilt if self.skip is None else rebuilt + samples @ self.skip.T

    def folded(self) -> Weights:
        """Return the same dictionary with scale 1, its weights scaled instead.

        Examples
        --------
        >>> weights = Weights(torch.eye(2), torch.zeros(2), torch.eye(2), torch.ones(2), scale=4.0).folded()
        >>> weights.scale, weights.decoder_bias
        (1.0, tensor([0.2500, 0.2500]))
        """
        scaled = {"decoder": self.decoder / self.scale, "decoder_bias": self.decoder_bias / self.scale}
        return replace(self, encoder=self.encoder * self.scale, scale=1.0, **scaled)

    def to(self, dtype: torch.dtype) -> Weights:
        """Return the same dictionary in another dtype."""
        return replace(self, **{name: tensor.to(dtype) for name, tensor in self.tensors.items()})

    def _before(self, centred: Tensor) -> Tensor:
        """Return the pre-activations (B, n), to the last bit as the library makes them, of which the layout tells."""
        if self.encoder.is_contiguous():
            return F.linear(centred, self.encoder, self.encoder_bias)  # of nn.Linear
        return centred @ self.encoder.T + self.encoder_bias  # of x @ W_enc + b_enc, with a W_enc (d, n)

    def _checked(self, x: Tensor) -> Tensor:
        if x.ndim != 2 or x.shape[1] != self.inputs:
            raise DataError(f"Samples must have the shape (B, {self.inputs}); got {tuple(x.shape)}.")
        return x.to(self.encoder.dtype)

    def _check_tensors(self) -> None:
        if self.encoder.ndim != 2 or self.decoder.ndim != 2 or not self.encoder.numel() * self.decoder.numel():
            raise DataError(
                "The encoder and the decoder of a dictionary must be matrices with entries; got the shapes "
                f"{tuple(self.encoder.shape)} and {tuple(self.decoder.shape)}."
            )
        self._check_needs()
        shapes = dict.fromkeys(self.tensors, (self.latents,)) | {
            "encoder": (self.latents, self.inputs),
            "decoder": (self.latents, self.target),
            "decoder_bias": (self.target,),
            "skip": (self.target, self.inputs),
        }
        for name, tensor in self.tensors.items():
            if tuple(tensor.shape) != shapes[name] or tensor.dtype != self.encoder.dtype:
                raise DataError(
                    f"Tensor {name!r} of a dictionary must have the shape {shapes[name]} and the dtype "
                    f"{self.encoder.dtype} of its encoder; got {tuple(tensor.shape)} and {tensor.dtype}."
                )
            if tensor.dtype not in FLOATS or not tensor.isfinite().all():
                raise DataError(f"Tensor {name!r} of a dictionary must hold finite floating-point numbers only.")

    def _check_needs(self) -> None:
        activation = ACTIVATIONS[self.kind]
        for name in ("k", "threshold", "gate_bias", "magnitude_bias", "log_scale"):
            given = getattr(self, name) is not None
            if given and name not in activation.needs + activation.may:
                raise DataError(f"A dictionary of kind {self.kind!r} has no {name}; leave it out.")
            if not given and name in activation.needs:
                raise DataError(f"A dictionary of kind {self.kind!r} needs a {name}; give it.")

    def _check_counts(self) -> None:
        if self.k is not None:
            whole = self.kind != "batch-topk"
            demand("k", "Weights", self.k, Whole(1, self.latents) if whole else Number(0, self.latents, open_low=True))
        if self.kind == "group-max" and self.k is not None and self.latents % self.k:
            raise DataError(f"The {self.latents} latents of a 'group-max' dictionary must be k groups; got k={self.k}.")
        if self.groups and (min(self.groups) < 1 or sum(self.groups) != self.latents):
            raise DataError(f"Groups must be >= 1 and sum to the {self.latents} latents; got {self.groups}.")
        if (self.subtracts_bias or self.norm != "none") and self.target != self.inputs:
            raise DataError(
                f"Only a dictionary that rebuilds its input subtracts its decoder bias or norms samples; got "
                f"{self.inputs} inputs and a target of {self.target}."
            )
        if self.norm != "none" and self.scale != 1:
            raise DataError(
                f"A dictionary either norms its samples or scales them; got {self.norm!r} and {self.scale}."
            )
