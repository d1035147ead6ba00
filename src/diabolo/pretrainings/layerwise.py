"""Greedy layerwise pretraining: stacked (denoising) autoencoders."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import nn

from diabolo.check import Maybe
from diabolo.corruptions.corruption import Corruption
from diabolo.nets.net import Net
from diabolo.part import Some, knob
from diabolo.pretrainings.pretraining import Pretraining, Stacked
from diabolo.pretrainings.stage import Stage


@dataclass(frozen=True)
class Layerwise(Pretraining):
    """Train each layer, with its mirror, to rebuild the codes of the layers before it; then train the whole.

    References
    ----------
    Vincent et al., "Stacked denoising autoencoders", JMLR 2010, section 3.4.

    Examples
    --------
    >>> Layerwise().equation()
    'first, layer by layer: ½‖x − Dₖ(Eₖ(x))‖²'
    """

    corruption: Corruption | None = knob(
        None, Maybe(Some("corruptions"), "no noise"), "noise on the way into each layer while that layer is trained"
    )

    def stages(self, net: Net, model: Stacked) -> Iterator[Stage]:
        """Yield one stage per layer, outermost first."""
        before: list[nn.Module] = []
        for layer, mirror in net.pairs(model.encoder, model.decoder):
            yield Stage(nn.Sequential(*before), layer, mirror, self.corruption)
            before.append(layer)

    def equation(self) -> str:
        """Return the loss of one stage."""
        return f"first, layer by layer: ½‖x − Dₖ(Eₖ({'x̃' if self.corruption else 'x'}))‖²"
