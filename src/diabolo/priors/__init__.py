"""Priors: how codes are distributed. A new file in this folder enters the table of parts by itself."""

from diabolo.part import discover
from diabolo.priors.autoregressive import Autoregressive
from diabolo.priors.composite import Composite
from diabolo.priors.flow import Flow
from diabolo.priors.joint import Joint
from diabolo.priors.made import MADE
from diabolo.priors.mixture import Mixture
from diabolo.priors.normal import Normal
from diabolo.priors.prior import Prior, PriorModule
from diabolo.priors.tokens import TokenModule, TokenPrior
from diabolo.priors.vamp import VampPrior
from diabolo.priors.whitened import Whitened

discover(__name__, __path__)

__all__ = [
    "MADE",
    "Autoregressive",
    "Composite",
    "Flow",
    "Joint",
    "Mixture",
    "Normal",
    "Prior",
    "PriorModule",
    "TokenModule",
    "TokenPrior",
    "VampPrior",
    "Whitened",
]
