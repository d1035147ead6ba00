"""A second chance for latents that have fallen silent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from diabolo.check import Maybe, Number, Whole
from diabolo.errors import CapabilityError
from diabolo.flow import Batch, Code, Output
from diabolo.nets.atoms import AtomsEncoder
from diabolo.part import knob
from diabolo.penalties.penalty import Encodes, Penalty
from diabolo.selection import Entries, kept, of_rows


@dataclass(frozen=True)
class Revive(Penalty):
    """Let the dead latents rebuild what the living ones leave: weight·½‖e − ê‖², e = x − D(z) being taken as given.

    ê is made of the k dead latents whose h is largest, be it below 0. A latent is dead that was 0 for the last
    `after`·n samples of training. The net must be `Atoms` or `Archetypes`. Where D(z) has other numbers than x, such as
    a variance beside each mean, ê is what the latents add to the expected sample.

    References
    ----------
    Gao et al., "Scaling and evaluating sparse autoencoders", 2024, appendix A.2 (AuxK). There the weight is 1/32,
    half as many work on a sample as it has numbers, and none is dead before ten million samples; these defaults suit
    shorter runs (docs/decisions/0015).

    Examples
    --------
    >>> Revive().equation()
    '0.25·½‖e − ê‖²'
    """

    reads_sparse: ClassVar[bool] = True

    weight: float = knob(0.25, Number(0), "cost of what dead latents do not rebuild")
    k: int | None = knob(None, Maybe(Whole(1), "as many as are active"), "dead latents that work on a sample")
    after: float = knob(1.0, Number(0), "samples per latent after which one that was never active is dead")

    def build(self, n: int) -> nn.Module:
        """Return the memory of when each latent was active last."""
        return Activity(n)

    def penalty(self, model: Encodes, batch: Batch, output: Output) -> Tensor:
        """Return the term per sample (B,); nothing where nobody learns.

        Raises
        ------
        CapabilityError
            If the net is not `Atoms`, or the model was built without the penalty.
        """
        encoder, decoder, memory = _parts(model)
        dead = (memory.since >= self.after * len(memory.since)).nonzero()[:, 0]
        if not memory.training or not torch.is_grad_enabled():
            return torch.zeros_like(output.distortion)
        memory.learn(output.code)
        if not len(dead):
            return torch.zeros_like(output.distortion)
        error = (output.target - model.expected(output.params)).detach().flatten(1)  # (B, D)
        x, map = batch.x.flatten(1), encoder.map()
        few = min(self.k or _active(output.code.z), len(dead))
        found = of_rows(x, map.rows(dead), few)
        z = kept(x, map, Entries(found.rows, dead[found.columns], found.values))
        return 0.5 * self.weight * (error - _added(model, decoder, z, error.shape[1])).square().sum(1)

    def equation(self) -> str:
        """Return the formula."""
        return f"{self.weight:g}·½‖e − ê‖²"


def _added(model: Encodes, decoder: nn.Module, z: Tensor, width: int) -> Tensor:
    """Return what codes add to the bias (B, D), in samples of this width D: where params are others, to what they say.

    Params of one number for each of a sample are compared as they are: a mean that is cut off would teach nothing.
    """
    params, bias = decoder(z), decoder.get_parameter("bias")
    if len(bias) == width:
        return params.flatten(1) - bias
    return (model.expected(params) - model.expected(bias.view(1, *params.shape[1:]))).flatten(1)


def _parts(model: Encodes) -> tuple[AtomsEncoder, nn.Module, Activity]:
    encoder, memory = model.encoder, getattr(model, "critic", None)
    if isinstance(encoder, AtomsEncoder) and isinstance(memory, Activity):
        return encoder, model.decoder, memory
    raise CapabilityError("Revive is for a model built with it on Atoms() or Archetypes(); leave it out for others.")


def _active(z: Tensor) -> int:
    """Return how many entries of a code differ from 0, on average, 1 at least."""
    count = len(z.values()) if z.is_sparse else int((z != 0).sum())
    return max(1, round(count / max(len(z), 1)))


class Activity(nn.Module):
    """How many samples ago each of n latents was active."""

    since: Tensor

    def __init__(self, n: int) -> None:
        super().__init__()
        self.register_buffer("since", torch.zeros(n))

    @torch.no_grad()
    def learn(self, code: Code) -> None:
        """Take in the codes of a batch."""
        z = code.z
        self.since += len(z)
        if z.is_sparse:
            self.since[z.indices()[1][z.values() != 0]] = 0
        else:
            self.since[(z != 0).any(0)] = 0
