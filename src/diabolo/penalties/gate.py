"""What teaches a gate when to open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn
from torch.func import functional_call

from diabolo.check import Number
from diabolo.errors import ParameterError
from diabolo.flow import Batch, Output
from diabolo.latents import Latent
from diabolo.latents.gated import Gated
from diabolo.part import knob
from diabolo.penalties.penalty import Encodes, Penalty
from diabolo.sparse import dense


@dataclass(frozen=True)
class Gate(Penalty):
    """½‖x − D(relu(h))‖², the decoder's weights taken as constants: the auxiliary loss of a `Gated` latent.

    References
    ----------
    Rajamanoharan et al., "Improving dictionary learning with gated sparse autoencoders", 2024, equation 8.

    Examples
    --------
    >>> import torch
    >>> from diabolo.model import Recipe
    >>> from diabolo.nets import Atoms
    >>> model = Recipe(Atoms(), Gated(), penalties=(Gate(),)).build((5,), 20)
    >>> model(Batch(torch.ones(3, 5))).penalties["gate"].shape
    torch.Size([3])
    """

    reads_sparse: ClassVar[bool] = True

    weight: float = knob(1.0, Number(0), "cost of one unit of squared error, halved")

    def check_latent(self, latent: Latent) -> None:
        """Raise ParameterError if the latent has no gate."""
        if not isinstance(latent, Gated):
            raise ParameterError(
                f"Parameter 'penalties' may hold Gate where the latent is Gated(); got {latent!r}. Use latent=Gated(), "
                "or leave Gate out."
            )

    def penalty(self, model: Encodes, batch: Batch, output: Output) -> Tensor:
        """Return the term per sample (B,)."""
        constant = {f"decoder.{name}": value.detach() for name, value in model.decoder.named_parameters()}
        params = functional_call(_Decoding(model), constant, output.code.info["gate"])
        error = model.expected(params, through=True) - dense(output.target)
        return 0.5 * self.weight * error.square().flatten(1).sum(1)

    def equation(self) -> str:
        """Return the formula."""
        return f"{self.weight:g}·½‖x − D(relu(h))‖²"


class _Decoding(nn.Module):
    """The decoder of a model, called the way the model does, which may have a condition to tell it."""

    def __init__(self, model: Encodes) -> None:
        super().__init__()
        self.decoder, self._decode = model.decoder, model.decode

    def forward(self, z: Tensor) -> Tensor:
        return self._decode(z)
