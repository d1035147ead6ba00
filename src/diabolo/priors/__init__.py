"""Priors: how codes are distributed. A new file in this folder enters the table of parts by itself."""

from diabolo.part import discover
from diabolo.priors.autoregressive import Autoregressive, TokenModule
from diabolo.priors.composite import Composite
from diabolo.priors.flow import Flow
from diabolo.priors.joint import Joint
from diabolo.priors.mixture import Mixture
from diabolo.priors.normal import Normal
from diabolo.priors.prior import Prior, PriorModule
from diabolo.priors.vamp import VampPrior
from diabolo.priors.whitened import Whitened

discover(__name__, __path__)

__all__ = [
    "Autoregressive",
    "Composite",
    "Flow",
    "Joint",
    "Mixture",
    "Normal",
    "Prior",
    "PriorModule",
    "TokenModule",
    "VampPrior",
    "Whitened",
]
